/** Delays that double from the first to the longest, in milliseconds. */
export type Backoff = { initialMs: number; maxMs: number };

export const kubeletBackoff: Backoff = { initialMs: 10_000, maxMs: 300_000 };

/** A run this long is no crash: the delays start over. */
const calmMs = 600_000;

/** The delay before try `n`, counted from 1. */
export const delayBefore = (n: number, { initialMs, maxMs }: Backoff) =>
  Math.min(maxMs, initialMs * 2 ** (n - 1));

/** The delay before a container is started again: the first restart is at once. */
export function createCrashBackoff(backoff: Backoff): (runMs: number) => number {
  let crashes = 0;
  return (runMs) => {
    crashes = runMs >= calmMs ? 1 : crashes + 1;
    return crashes === 1 ? 0 : delayBefore(crashes - 1, backoff);
  };
}

/** Resolves after the delay, or as soon as the signal is aborted. Keeps no process alive. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done);
  });
}
