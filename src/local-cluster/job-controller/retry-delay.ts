export type Backoff = { initialMs: number; maxMs: number };

/** The delays of a real cluster: 10 s after the first failure, doubling up to 10 min. */
export const defaultBackoff: Backoff = { initialMs: 10_000, maxMs: 600_000 };

/** How one pod ended, and when (ms). */
export type Finish = { at: number; failed: boolean };

/** The delay after so many failures in a row, in ms. */
export function toDelay(failures: number, { initialMs, maxMs }: Backoff): number {
  return failures === 0 ? 0 : Math.min(initialMs * 2 ** Math.min(failures - 1, 60), maxMs);
}

/** How long to wait still, in ms, when so many failures came in a row and the last one at `lastAt`. */
export function remainingDelay(
  failures: { count: number; lastAt: number },
  backoff: Backoff,
  now: Date,
): number {
  return Math.max(0, failures.lastAt + toDelay(failures.count, backoff) - now.getTime());
}

/** The failures since the last success; one in the same instant as the success is forgiven. */
export function countFailures(finishes: Iterable<Finish>): { count: number; lastAt: number } {
  const all = [...finishes];
  const lastSuccess = Math.max(-Infinity, ...all.filter(({ failed }) => !failed).map(({ at }) => at));
  const since = all.filter(({ failed, at }) => failed && at > lastSuccess);
  return { count: since.length, lastAt: Math.max(0, ...since.map(({ at }) => at)) };
}
