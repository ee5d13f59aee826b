import { z } from 'zod';
import type { JobFacts, ReportFact } from '../core/facts.ts';
import type { Sql } from './database.ts';
import { toDispatchOutcome, toJobFact } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import { podColumns, podRowSchema } from './pod-row.ts';

const reportFactRowSchema = z
  .object({
    at: z.string(),
    status: z.string(),
    terminal: z.enum(['SUCCESS', 'ERROR']).nullable(),
    task: z.int(),
    pod_uid: z.string().nullable(),
  })
  .transform(({ pod_uid, ...report }): ReportFact => ({ ...report, podUid: pod_uid }));

/** Everything that is known of a job, as `decide` wants it. */
export function createFactsReader(db: Sql) {
  const pods = db.prepare(
    `SELECT ${podColumns} FROM pods WHERE job_id = ? ORDER BY task, created_at, number`,
  );
  // A chatty worker may have said thousands of things; only the first word and the terminal ones can decide anything.
  const reports = db.prepare(
    `SELECT at, status, terminal, task, pod_uid FROM reports
     WHERE contradicts = 0 AND seq IN (
       SELECT min(seq) FROM reports WHERE job_id = @id
       UNION SELECT seq FROM reports WHERE job_id = @id AND terminal IS NOT NULL)
     ORDER BY seq`,
  );

  return function loadFacts(row: JobRow): JobFacts {
    const { cancel_requested_at: at, cancel_cause: cause } = row;
    return {
      completions: row.spec.completions,
      claimed: row.claimed_at !== null,
      dispatch: toDispatchOutcome(row),
      job: toJobFact(row),
      pods: pods.all(row.id).map((pod) => podRowSchema.parse(pod)),
      reports: reports.all({ id: row.id }).map((report) => reportFactRowSchema.parse(report)),
      cancel: at === null || cause === null ? null : { at, cause },
    };
  };
}
