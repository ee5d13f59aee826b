import { biteBytes, biteRows, endOfTime } from './bite.ts';
import type { Sql } from './database.ts';
import type { JobRows } from './jobs.ts';
import type { LogRetention } from './log-retention.ts';
import { isThere } from './pods.ts';
import { createReportRetention } from './report-retention.ts';
import type { Reached } from './report-retention.ts';
import type { Tombstones } from './tombstones.ts';
import type { Writes } from './writes.ts';

type Due = { id: string };
/** What one transaction has removed so far. */
type Bite = { rows: number; bytes: number };
type Parts = { db: Sql; rows: JobRows; writes: Writes; tombstones: Tombstones; logRetention: LogRetention };

/**
 * Ended and out of the cluster, Job and pods. Removed before that, its Job would be an orphan, and nothing would know any more that
 * it had ever run. But for the pods word for word as in the indexes.
 */
const outOfCluster = `finished_at IS NOT NULL AND (kubernetes_uid IS NULL OR gone = 1)
  AND NOT EXISTS (SELECT 1 FROM pods WHERE pods.job_id = jobs.id AND ${isThere})`;

/** Removes what was kept long enough, the first to end first, in bites: each call is one small transaction. */
export function createRetention({ db, rows, writes, tombstones, logRetention }: Parts) {
  const { thinReports } = createReportRetention(db);
  /** Between two bites of one job; after a restart it is looked through once more. */
  let reached: Reached = { id: '', seq: 0 };
  const firstToEnd = db.prepare<[string], Due>(
    `SELECT id FROM jobs WHERE ${outOfCluster} AND finished_at < ? ORDER BY finished_at, number LIMIT 1`,
  );
  const firstWithHistory = db.prepare<[string], Due>(
    `SELECT id FROM jobs WHERE ${outOfCluster} AND events_kept = 1 AND finished_at < ?
     ORDER BY finished_at, number LIMIT 1`,
  );
  const endedJobs = db
    .prepare<[], number>(
      `SELECT sum(jobs) FROM job_counts WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST')`,
    )
    .pluck();
  const allEvents = db.prepare<[], number>('SELECT events FROM kept').pluck();
  const forgetEvents = db.prepare('UPDATE jobs SET events_kept = 0 WHERE id = ?');
  const removeRow = db.prepare('DELETE FROM jobs WHERE id = ?');
  const removeEvents = db.prepare('DELETE FROM job_events WHERE job_id = ? LIMIT ?');
  // In this order nothing ever points to what is gone, wherever a bite ends; and its pods are shown to the last.
  const removeParts = [
    db.prepare('DELETE FROM task_reports WHERE job_id = ? LIMIT ?'),
    db.prepare('DELETE FROM reports WHERE job_id = ? LIMIT ?'),
    db.prepare('DELETE FROM claims WHERE job_id = ? LIMIT ?'),
    removeEvents,
    db.prepare('DELETE FROM pods WHERE job_id = ? LIMIT ?'),
  ];

  /**
   * One bite of the jobs that ended before the given time, and of those that ended first while there are more than `most` ended ones.
   * `rows` is 0 when nothing is due; a large job takes many bites, and `jobs` counts it with the last.
   */
  function removeEndedJobs(limits: { endedBefore: string; most: number }): { jobs: number; rows: number } {
    return writes.transact(() => {
      const bite = { rows: 0, bytes: 0 };
      let jobs = 0;
      while (hasRoom(bite)) {
        const isCrowded = (endedJobs.get() ?? 0) > limits.most;
        const due = firstToEnd.get(isCrowded ? endOfTime : limits.endedBefore);
        if (due === undefined) break;
        if (removeJob(due.id, bite)) jobs += 1;
      }
      return { jobs, rows: bite.rows };
    });
  }

  /** Its parts, and after the last of them the row. False where the bite is full before. */
  function removeJob(id: string, bite: Bite): boolean {
    const { logs, bytes, areLeft } = logRetention.removeLogsOfJob(id, biteRows - bite.rows);
    bite.rows += logs;
    bite.bytes += bytes;
    // Where they weigh too much, the pods that they belong to wait for the next bite.
    if (areLeft) return false;
    for (const part of removeParts) bite.rows += part.run(id, biteRows - bite.rows).changes;
    if (bite.rows >= biteRows) return false;
    tombstones.bury(rows.getRow(id));
    removeRow.run(id);
    bite.rows += 1;
    return true;
  }

  /**
   * One bite of the history of jobs that ended before the given time, and of those that ended first while there are more than `most`
   * events of all jobs; with it go the reports that nobody reads any more. `rows` is 0 when nothing is due.
   */
  function removeOldEvents(limits: { endedBefore: string; most: number }): { events: number; rows: number } {
    const bite = writes.transact(() => {
      let [events, others, now] = [0, 0, reached];
      while (events + others < biteRows) {
        const isCrowded = (allEvents.get() ?? 0) > limits.most;
        const due = firstWithHistory.get(isCrowded ? endOfTime : limits.endedBefore);
        if (due === undefined) break;
        const thinned = thinReports(due.id, biteRows - events - others, now);
        others += thinned.rows;
        now = thinned.reached;
        events += removeEvents.run(due.id, biteRows - events - others).changes;
        if (events + others >= biteRows) break;
        forgetEvents.run(due.id);
        others += 1;
      }
      return { events, rows: events + others, reached: now };
    });
    // Not before the commit: what a rollback has brought back would be passed over.
    reached = bite.reached;
    return { events: bite.events, rows: bite.rows };
  }

  return { removeEndedJobs, removeOldEvents };
}

function hasRoom({ rows, bytes }: Bite): boolean {
  return rows < biteRows && bytes < biteBytes;
}
