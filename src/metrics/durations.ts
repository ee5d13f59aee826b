import { setImmediate as nextTurn } from 'node:timers/promises';
import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { isFinal, jobStates } from '../core/job-state.ts';
import type { JobEnd } from '../store/job-ends.ts';
import type { Store } from '../store/store.ts';

/** From a job that does nothing to one that runs for a day, in seconds. */
const buckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400];
/** Events looked through in one turn of the event loop. */
const pageLength = 2000;

/**
 * How long jobs waited and ran, counted once for each job that ends in this life of the process. Nobody has to tell: the history is read
 * from where the last scrape left it.
 */
export function createDurations({
  registry,
  store,
}: {
  registry: Registry;
  store: Pick<Store, 'lastSeq' | 'listEnds'>;
}) {
  const shared = { registers: [registry], buckets };
  const queue = new Histogram({
    ...shared,
    name: 'jobspawn_job_queue_seconds',
    help: 'From accept to the last time it was sent to the cluster, of jobs that have ended.',
  });
  const run = new Histogram({
    ...shared,
    name: 'jobspawn_job_run_seconds',
    help: 'From the start of the work to its end, of jobs that have ended.',
    labelNames: ['state'],
  });
  const whole = new Histogram({
    ...shared,
    name: 'jobspawn_job_duration_seconds',
    help: 'From accept to the end, of jobs that have ended.',
    labelNames: ['state'],
  });
  // A series that begins at 1 shows no increase: the first job to be lost would go unnoticed.
  for (const state of jobStates.filter(isFinal))
    for (const histogram of [run, whole]) histogram.zero({ state });

  let seen = store.lastSeq();

  function count({ state, createdAt, claimedAt, startedAt, finishedAt }: JobEnd): void {
    if (claimedAt !== null) queue.observe(secondsBetween(createdAt, claimedAt));
    if (startedAt !== null) run.observe({ state }, secondsBetween(startedAt, finishedAt));
    whole.observe({ state }, secondsBetween(createdAt, finishedAt));
  }

  return {
    /** Counts what has ended since the last call. */
    async catchUp(): Promise<void> {
      const last = store.lastSeq();
      while (seen < last) {
        const upTo = Math.min(seen + pageLength, last);
        const ends = store.listEnds({ after: seen, upTo });
        // In the turn that read them: a scrape that comes meanwhile goes on from here, and nothing counts twice.
        seen = upTo;
        for (const end of ends) count(end);
        if (seen < last) await nextTurn();
      }
    },
  };
}

/** Never negative, though the clock may have been set back between the two. */
function secondsBetween(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;
}
