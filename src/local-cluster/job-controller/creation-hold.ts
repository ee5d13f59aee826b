import type { Backoff } from './retry-delay.ts';
import { toDelay } from './retry-delay.ts';

/** How long refused pod creations wait: 1 s, doubling up to a minute. */
const holdBackoff: Backoff = { initialMs: 1_000, maxMs: 60_000 };

/** Keeps a Job whose pods are refused from asking again at each change of its status. */
export function createCreationHold() {
  const holds = new Map<string, { refusals: number; until: number }>();

  function extend(jobUid: string): void {
    const refusals = (holds.get(jobUid)?.refusals ?? 0) + 1;
    holds.set(jobUid, { refusals, until: Date.now() + toDelay(refusals, holdBackoff) });
  }

  /** In ms; 0 when nothing holds. */
  const remaining = (jobUid: string, now: Date) =>
    Math.max(0, (holds.get(jobUid)?.until ?? 0) - now.getTime());

  return { extend, remaining, lift: (jobUid: string) => void holds.delete(jobUid) };
}
