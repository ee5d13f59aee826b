import type { ServerResponse } from 'node:http';
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** A client may make up methods, and each would be a series. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A request on its way: the pattern of its route, and whether its answer may last for as long as the client likes. */
export type Served = { route: string; isLasting: boolean };

/** Requests by route pattern, method and class of status. Lasting answers are counted, and not timed. */
export function createRequestMetrics(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: 'jobspawn_http_requests_total',
    help: 'Requests that were answered or broken off.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'jobspawn_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer, streams left out.',
    labelNames: ['route', 'method'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });

  /** Follows one request to its end; `served` is asked then. */
  return function follow(request: { method: string }, res: ServerResponse, served: () => Served): void {
    const began = performance.now();
    res.once('close', () => {
      const { route, isLasting } = served();
      const method = knownMethods.has(request.method) ? request.method : 'other';
      const status = res.headersSent ? `${Math.floor(res.statusCode / 100)}xx` : 'none';
      requests.inc({ route, method, status });
      if (!isLasting) durations.observe({ route, method }, (performance.now() - began) / 1000);
    });
  };
}
