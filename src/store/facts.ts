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
  // A worker may say thousands of things, or ERROR thousands of times and under ever new uids. This much of it can decide: the first word; the
  // last end that was told; one SUCCESS; one ERROR, that of no pod before any other, since it silences every message; and of each known
  // pod its own ERROR and its message. Each is the first entry of an index.
  const deciding = db.prepare(
    `SELECT at, status, terminal, task, pod_uid, source FROM reports
     WHERE contradicts = 0 AND seq IN (
       SELECT min(seq) FROM reports WHERE job_id = +@id
       UNION ALL SELECT * FROM (SELECT seq FROM reports WHERE job_id = +@id AND terminal IS NOT NULL AND source = 'report'
         ORDER BY seq DESC LIMIT 1)
       UNION ALL SELECT * FROM (SELECT seq FROM reports WHERE job_id = +@id AND terminal = 'SUCCESS' AND contradicts = 0
         AND source = 'report' ORDER BY pod_uid LIMIT 1)
       UNION ALL SELECT * FROM (SELECT seq FROM reports WHERE job_id = +@id AND terminal = 'ERROR' AND contradicts = 0
         AND source = 'report' ORDER BY pod_uid LIMIT 1)
       UNION ALL SELECT (SELECT min(seq) FROM reports WHERE job_id = +@id AND terminal = 'ERROR' AND contradicts = 0
         AND source = 'report' AND pod_uid = pods.uid) FROM pods WHERE job_id = +@id
       UNION ALL SELECT (SELECT seq FROM reports WHERE source = 'message' AND pod_uid = pods.uid) FROM pods WHERE job_id = +@id)
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
    const said = row.spec.completions === 1 ? deciding : outerReports;
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
