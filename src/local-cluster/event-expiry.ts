import type { Logger } from 'pino';
import type { Event } from './objects.ts';
import type { ApiRegistry } from './registry-contract.ts';

const lifetimeMs = 60 * 60 * 1000;
const sweepEveryMs = 60 * 1000;

const lastSeen = (event: Event): number => {
  const times = [event.lastTimestamp, event.eventTime, event.metadata.creationTimestamp];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
};

/** Removes Events an hour after they were last seen, as the API server's event TTL does. */
export function startEventExpiry(
  registry: ApiRegistry,
  { now, log }: { now: () => Date; log: Pick<Logger, 'error'> },
): { stop(): void } {
  function removeOld(): void {
    const oldest = now().getTime() - lifetimeMs;
    for (const event of registry.list('events')) {
      const { namespace = '', name } = event.metadata;
      if (lastSeen(event) < oldest) registry.delete('events', { namespace, name });
    }
  }
  /** What the disk does not take now is found again in the next round. */
  function sweep(): void {
    try {
      removeOld();
    } catch (error) {
      log.error({ err: error }, 'old Events could not be removed');
    }
  }
  sweep();
  const timer = setInterval(sweep, sweepEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}
