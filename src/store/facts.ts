import { z } from 'zod';
import type { JobFacts, PodFact, ReportFact } from '../core/facts.ts';
import { hasLeft } from '../core/pod.ts';
import type { Sql } from './database.ts';
import { toDispatchOutcome, toJobFact } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import type { PodRows } from './pods.ts';

const reportFactRowSchema = z
  .object({
    at: z.string(),
    status: z.string(),
    terminal: z.enum(['SUCCESS', 'ERROR']).nullable(),
    task: z.int(),
    pod_uid: z.string().nullable(),
    source: z.enum(['report', 'message']),
  })
  .transform(({ pod_uid, ...report }): ReportFact => ({ ...report, podUid: pod_uid }));

/** Everything that is known of a job, as `decide` wants it. */
export function createFactsReader({ db, pods }: { db: Sql; pods: PodRows }) {
  // A chatty worker may have said thousands of things; only the first word and the terminal ones can decide anything.
  const reports = db.prepare(
    `SELECT at, status, terminal, task, pod_uid, source FROM reports
     WHERE contradicts = 0 AND seq IN (
       SELECT min(seq) FROM reports WHERE job_id = +@id
       UNION SELECT seq FROM reports WHERE job_id = +@id AND terminal IS NOT NULL)
     ORDER BY seq`,
  );
  // Of many completions they only tell that something runs, and when it began and ended.
  const outerReports = db.prepare(
    `SELECT at, status, terminal, task, pod_uid, source FROM reports
     WHERE contradicts = 0 AND seq IN (
       SELECT min(seq) FROM reports WHERE job_id = +@id
       UNION SELECT max(seq) FROM reports WHERE job_id = +@id AND terminal IS NOT NULL)
     ORDER BY seq`,
  );

  return function loadFacts(row: JobRow): JobFacts {
    const { cancel_requested_at: at, cancel_cause: cause } = row;
    const said = row.spec.completions === 1 ? reports : outerReports;
    return {
      completions: row.spec.completions,
      claimed: row.claimed_at !== null,
      dispatch: toDispatchOutcome(row),
      job: toJobFact(row),
      pods: listPods(row),
      reports: said.all({ id: row.id }).map((report) => reportFactRowSchema.parse(report)),
      podRefusal: row.pod_refusal,
      cancel: at === null || cause === null ? null : { at, cause },
    };
  };

  /** Those that can decide. Of thousands a few will do, until the very end, when those that succeeded are counted, once. */
  function listPods({ id, spec, gone }: JobRow): PodFact[] {
    if (spec.completions === 1) return pods.listPods(id);
    const few = pods.listDecidingPods(id);
    return gone && few.every(hasLeft) ? pods.listPods(id) : few;
  }
}
