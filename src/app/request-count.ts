import type { Request, RequestHandler } from 'express';
import type { Metrics } from '../metrics/metrics.ts';
import type { Served } from '../metrics/request-metrics.ts';

/** What no route took: an unknown path, a foreign host. The path itself would be a series for each. */
const nowhere: Served = { route: 'none', isLasting: false };

/** Counts requests by the route that takes them: `follow` sees each one begin, and a route's own `mark` tells which it was. */
export function createRequestCount(follow: Metrics['requests']) {
  const served = new WeakMap<Request, Served>();
  return {
    follow: ((req, res, next) => {
      follow(req, res, () => served.get(req) ?? nowhere);
      next();
    }) satisfies RequestHandler,

    mark:
      (by: Served): RequestHandler =>
      (req, _res, next) => {
        served.set(req, by);
        next();
      },
  };
}
