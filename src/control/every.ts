import type { Logger } from 'pino';
import type { LoopsHealth } from './loop-health.ts';

export type EveryOptions = {
  /** Its own, for the log and for its health. */
  name: string;
  intervalMs: number;
  /** Part of the interval that is drawn at random on top, so that loops do not march in step. */
  jitter?: number;
  signal: AbortSignal;
  log: Logger;
  /** Where its runs are recorded. */
  health: Pick<LoopsHealth, 'record'>;
  /** Subscribes to what calls for a run before its time; returns the way to stop that. */
  wake?: (listener: () => void) => () => void;
  /** Between two runs at the least, however often it is called; none unless said. */
  restMs?: number;
};

/** After a failed run no call is heard for so long: what calls may be what fails. */
const pauseAfterFailureMs = 1000;

/**
 * Runs again and again, never two at once, until the signal aborts; resolves when the last run has ended. A call that comes during
 * a run leads to one more. A run that throws is logged and counted, and the loop goes on.
 */
export async function every(options: EveryOptions, runOnce: () => unknown): Promise<void> {
  const { name, intervalMs, jitter = 0.1, restMs = 0, signal, log } = options;
  const record = options.health.record(name);
  let isCalled = false;
  let rouse: (() => void) | null = null;
  const unsubscribe = options.wake?.(() => {
    isCalled = true;
    rouse?.();
  });

  /** Until the time is over, the signal aborts or, unless `deaf`, a call comes. */
  function rest(ms: number, deaf: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      // A turn later, so that whoever called (a request that was just accepted) is answered first.
      rouse = deaf ? null : () => setImmediate(end);
      if (signal.aborted) end();
      else if (isCalled) rouse?.();
    });
  }

  while (!signal.aborted) {
    isCalled = false;
    record.began();
    try {
      await runOnce();
      record.succeeded();
      if (restMs > 0) await rest(restMs, true);
      await rest(intervalMs * (1 + jitter * Math.random()), false);
    } catch (err) {
      if (signal.aborted) break;
      record.failed(err);
      log.error({ err, loop: name }, 'a loop failed, and goes on');
      await rest(Math.min(intervalMs, pauseAfterFailureMs), true);
    }
  }
  unsubscribe?.();
}
