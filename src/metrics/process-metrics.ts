import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Memory, descriptors, event loop and garbage collection, under the names that dashboards know. To be called once: they are the
 * process's, not an app's, and the observer of garbage collections ends with the process alone.
 */
export function startProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
