import { pause } from './backoff.ts';

/** Writes that a full disk puts off. */
export type StoreRetry = {
  /** Never throws. Where the step fails it is done again until it does not, or until another step takes its place. */
  attempt: (step: () => void) => void;
  /** Resolves when the step is done, and takes the place of the one that is put off. Throws once the signal is aborted. */
  insist: (step: () => void) => Promise<void>;
  /** Nothing is put off any more. */
  stop: () => void;
};

const againMs = 1000;

/** When the signal is aborted a step is tried once, and no more. */
export function createStoreRetry({
  onError,
  signal,
}: {
  onError: (error: unknown) => void;
  signal: AbortSignal;
}): StoreRetry {
  let timer: NodeJS.Timeout | undefined;

  const stop = () => clearTimeout(timer);

  function attempt(step: () => void): void {
    stop();
    try {
      step();
    } catch (error) {
      onError(error);
      if (!signal.aborted) timer = setTimeout(() => attempt(step), againMs).unref();
    }
  }

  async function insist(step: () => void): Promise<void> {
    stop();
    for (;;) {
      try {
        step();
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        onError(error);
      }
      await pause(againMs, signal);
    }
  }

  return { attempt, insist, stop };
}
