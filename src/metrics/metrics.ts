/**
 * The metrics that Prometheus scrapes.
 *
 * Owns: their names, labels and help, one registry for each app. The rooms keep plain numbers, which are read when somebody asks.
 * May import: core, store, control, live (types, and words for labels), prom-client.
 * Never: asks the cluster, changes anything, or labels by what has no bound (a job's id or name).
 */
import { Registry } from 'prom-client';
import type { ControlHealth } from '../core/readiness.ts';
import type { Store } from '../store/store.ts';
import { addControlMetrics } from './control-metrics.ts';
import { createDurations } from './durations.ts';
import { createReadings } from './readings.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { addServiceMetrics } from './service-metrics.ts';
import type { ServiceParts } from './service-metrics.ts';

export type MetricsParts = ServiceParts & {
  store: Pick<Store, 'lastSeq' | 'listEnds'>;
  readiness: () => ControlHealth;
  /** Those of the process, which it may share with other apps; without them only the app's own are told. */
  ofProcess?: Registry | undefined;
};

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics({ ofProcess, ...parts }: MetricsParts) {
  const registry = new Registry();
  const readings = createReadings(registry);
  addServiceMetrics(readings, parts);
  addControlMetrics(readings, parts.readiness);
  const durations = createDurations({ registry, store: parts.store });
  const all = ofProcess === undefined ? registry : Registry.merge([registry, ofProcess]);
  return {
    requests: createRequestMetrics(registry),
    contentType: registry.contentType,

    /** In Prometheus' text format. */
    async scrape(): Promise<string> {
      await durations.catchUp();
      return all.metrics();
    },
  };
}
