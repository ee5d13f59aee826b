import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../store/store.ts';

/** What waits beyond that is left to the next run: a loop that is long in one run is taken for stuck. */
const longestRunMs = 20_000;
/** Between two bites the event loop belongs to requests. */
const restMs = 10;

/**
 * Indexes what has ended, for searches: of a second together, rather than each job in a transaction of its own. Until then a search
 * reads these jobs row by row.
 */
export function createSearchIndexer({
  store,
  signal,
  elapsed = () => performance.now(),
}: {
  store: Pick<Store, 'indexEndedJobs' | 'mergeIndex'>;
  signal: AbortSignal;
  /** Monotonic, in ms. */
  elapsed?: () => number;
}) {
  /** Resolves when nothing waits and the index is in order, after some 20 s, or when the signal aborts. */
  async function runOnce(): Promise<{ jobs: number }> {
    const endAt = elapsed() + longestRunMs;
    const inBites = async (bite: () => boolean): Promise<void> => {
      // A rest that the signal cuts short ends the run as well.
      while (!signal.aborted && elapsed() < endAt && bite())
        await delay(restMs, undefined, { signal }).catch(() => {});
    };
    let indexed = 0;
    await inBites(() => {
      const { jobs } = store.indexEndedJobs();
      indexed += jobs;
      return jobs > 0;
    });
    if (indexed > 0) await inBites(store.mergeIndex);
    return { jobs: indexed };
  }

  return { runOnce };
}
