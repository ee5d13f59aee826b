import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '../store/store.ts';

/** How long and how much is kept; of each the stricter limit counts. */
export type KeepLimits = {
  /** After a job's end. */
  jobsDays: number;
  /** Ended jobs. */
  jobs: number;
  /** After the end of their job. */
  eventsDays: number;
  /** Events of all jobs. */
  events: number;
  logsDays: number;
  /** Of all logs together, as they are stored. */
  logBytes: number;
  /** After the job was accepted. */
  keysDays: number;
  auditDays: number;
};

/** What a run has removed. */
export type JanitorCounts = {
  jobs: number;
  events: number;
  logs: number;
  tombstones: number;
  audit: number;
  pages: number;
};

const dayMs = 24 * 60 * 60 * 1000;
/** What is due beyond that waits for the next run: a loop that is long in one run is taken for stuck. */
const longestRunMs = 20_000;
/** Between two bites the event loop belongs to requests. */
const restMs = 10;

/**
 * Removes what was kept long enough, the oldest first, and gives the room back to the disk. It works in bites, each a small transaction
 * of its own, so that accepts hardly notice it and a kill in between costs nothing: the next run goes on.
 */
export function createJanitor({
  store,
  keep,
  clock,
  signal,
  elapsed = () => performance.now(),
}: {
  store: Pick<
    Store,
    | 'removeEndedJobs'
    | 'removeOldEvents'
    | 'removeOldLogs'
    | 'removeOldTombstones'
    | 'removeOldAudit'
    | 'giveBackPages'
    | 'checkpoint'
  >;
  keep: KeepLimits;
  /** One that nobody can put forward: an hour of a wrong year would remove everything. */
  clock: () => Date;
  signal: AbortSignal;
  /** Monotonic, in ms. */
  elapsed?: () => number;
}) {
  /** Resolves when nothing more is due, after some 20 s, or when the signal aborts. */
  async function runOnce(): Promise<JanitorCounts> {
    const endAt = elapsed() + longestRunMs;
    const inBites = async (bite: () => number): Promise<void> => {
      // A rest that the signal cuts short ends the run as well.
      while (!signal.aborted && elapsed() < endAt && bite() > 0)
        await delay(restMs, undefined, { signal }).catch(() => {});
    };
    const counts: JanitorCounts = { jobs: 0, events: 0, logs: 0, tombstones: 0, audit: 0, pages: 0 };
    await inBites(() => {
      const limits = { endedBefore: daysAgo(keep.jobsDays), most: keep.jobs };
      const { jobs, rows } = store.removeEndedJobs(limits);
      counts.jobs += jobs;
      return rows;
    });
    await inBites(() => {
      const limits = { endedBefore: daysAgo(keep.eventsDays), most: keep.events };
      const { events, rows } = store.removeOldEvents(limits);
      counts.events += events;
      return rows;
    });
    await inBites(() => {
      const limits = { keptBefore: daysAgo(keep.logsDays), mostBytes: keep.logBytes };
      const { logs } = store.removeOldLogs(limits);
      counts.logs += logs;
      return logs;
    });
    await inBites(() => {
      const limits = { acceptedBefore: daysAgo(keep.keysDays) };
      const { tombstones, rows } = store.removeOldTombstones(limits);
      counts.tombstones += tombstones;
      return rows;
    });
    await inBites(() => {
      const { entries } = store.removeOldAudit({ madeBefore: daysAgo(keep.auditDays) });
      counts.audit += entries;
      return entries;
    });
    await inBites(() => {
      const { pages } = store.giveBackPages();
      counts.pages += pages;
      return pages;
    });
    if (!signal.aborted) store.checkpoint();
    return counts;
  }

  function daysAgo(days: number): string {
    return new Date(clock().getTime() - days * dayMs).toISOString();
  }

  return { runOnce };
}
