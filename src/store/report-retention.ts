import type { Sql } from './database.ts';
import { mostReports } from './job-views.ts';

/** How far the reports of a job were looked through: up to the one of this number. */
export type Reached = { id: string; seq: number };

/**
 * Removes the reports of an ended job that nobody reads without its history. What stays: the latest, which the job shows, the latest of
 * each task, the first, one of each end, of each known pod its own end and its message. These can still decide how a late look
 * at a pod is understood.
 */
export function createReportRetention(db: Sql) {
  const first = db.prepare<[string], number | null>('SELECT min(seq) FROM reports WHERE job_id = +?').pluck();
  const startOfPage = db
    .prepare<[string], number>(
      `SELECT seq FROM reports WHERE job_id = +? AND contradicts = 0 ORDER BY seq DESC LIMIT 1 OFFSET ${mostReports - 1}`,
    )
    .pluck();
  const between = db
    .prepare<[string, number, number, number], number>(
      'SELECT seq FROM reports WHERE job_id = +? AND seq > +? AND seq < +? ORDER BY seq LIMIT +?',
    )
    .pluck();
  const removeUnread = db.prepare<{ id: string; after: number; upTo: number }>(
    `DELETE FROM reports WHERE job_id = +@id AND seq > +@after AND seq <= +@upTo AND source = 'report'
       AND NOT EXISTS (SELECT 1 FROM task_reports WHERE task_reports.seq = reports.seq)
       AND (terminal IS NULL OR (
         seq <> (SELECT seq FROM reports AS one WHERE one.job_id = reports.job_id AND one.terminal = reports.terminal
           AND one.contradicts = 0 AND one.source = 'report' ORDER BY one.pod_uid LIMIT 1)
         AND seq IS NOT (SELECT (SELECT min(seq) FROM reports AS own WHERE own.job_id = reports.job_id
           AND own.terminal = reports.terminal AND own.contradicts = 0 AND own.source = 'report' AND own.pod_uid = pods.uid)
           FROM pods WHERE pods.uid = reports.pod_uid)))`,
  );
  // The job has its discrepancy, and shows none of them: behind thousands its page would be long to find. The newest tells when it was heard.
  const removeContradictions = db.prepare(
    `DELETE FROM reports WHERE seq IN (
       SELECT seq FROM reports WHERE job_id = +@id AND terminal IN ('SUCCESS', 'ERROR') AND contradicts = 1 AND source = 'report'
         AND +seq < (SELECT max(seq) FROM reports WHERE job_id = +@id AND terminal IS NOT NULL) LIMIT +@most)`,
  );

  /**
   * Looks through at most so many reports of the job, on from where it was reached. `rows` is how many they were, of which
   * most are gone now; fewer than `most` when all is done.
   */
  function thinReports(id: string, most: number, reached: Reached): { rows: number; reached: Reached } {
    const contradictions = removeContradictions.run({ id, most }).changes;
    if (contradictions === most) return { rows: most, reached };
    const after = reached.id === id ? reached.seq : first.get(id);
    const page = startOfPage.get(id);
    if (after === null || after === undefined || page === undefined) return { rows: contradictions, reached };
    const seen = between.all(id, after, page, most - contradictions);
    const upTo = seen.at(-1) ?? after;
    removeUnread.run({ id, after, upTo });
    return { rows: contradictions + seen.length, reached: { id, seq: upTo } };
  }

  return { thinReports };
}
