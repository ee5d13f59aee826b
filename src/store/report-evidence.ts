import { z } from 'zod';
import type { ReportEvidence } from '../core/cluster-report.ts';
import type { Sql } from './database.ts';

const evidenceSchema = z.object({
  heardAt: z.string().nullable(),
  lost: z.int(),
  lostJobId: z.string().nullable(),
});

/** How the words of workers came in: over HTTP, or in a termination message since that did not work. */
export function createReportEvidence(db: Sql) {
  // The newest thousand tell enough, and cost the same in a table of millions.
  const evidence = db.prepare(
    `WITH recent AS (SELECT seq, job_id, at, source FROM reports ORDER BY seq DESC LIMIT 1000),
       heard AS (SELECT coalesce(max(seq), 0) AS seq FROM recent WHERE source = 'report')
     SELECT (SELECT at FROM recent WHERE seq = (SELECT seq FROM heard)) AS heardAt,
       (SELECT count(*) FROM recent WHERE seq > (SELECT seq FROM heard)) AS lost,
       (SELECT job_id FROM recent WHERE seq > (SELECT seq FROM heard) ORDER BY seq DESC LIMIT 1) AS lostJobId`,
  );
  const heard = db.prepare("SELECT 1 FROM reports WHERE job_id = ? AND source = 'report' LIMIT 1");

  return {
    reportEvidence: (): ReportEvidence => evidenceSchema.parse(evidence.get()),
    /** Whether a worker of this job has reached us. */
    wasHeard: (jobId: string): boolean => heard.get(jobId) !== undefined,
  };
}
