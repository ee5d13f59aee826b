import type { Event } from './objects.ts';
import type { ApiRegistry } from './registry-contract.ts';

const lifetimeMs = 60 * 60 * 1000;
const sweepEveryMs = 60 * 1000;

const lastSeen = (event: Event): number => {
  const times = [event.lastTimestamp, event.eventTime, event.metadata.creationTimestamp];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
};

/** Removes Events an hour after they were last seen, as the API server's event TTL does. */
export function startEventExpiry(registry: ApiRegistry, now: () => Date): { stop(): void } {
  function sweep(): void {
    const oldest = now().getTime() - lifetimeMs;
    for (const event of registry.list('events')) {
      const { namespace = '', name } = event.metadata;
      if (lastSeen(event) < oldest) registry.delete('events', { namespace, name });
    }
  }
  sweep();
  const timer = setInterval(sweep, sweepEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}
