import { z } from 'zod';
import { jobEventSchema } from '../core/job.ts';
import type { JobEvent } from '../core/job.ts';
import type { Sql } from './database.ts';
import { jsonColumn } from './job-row.ts';

const eventRowSchema = z
  .object({
    seq: z.int(),
    at: z.string(),
    job_id: z.string(),
    kind: z.string(),
    state: z.string(),
    detail: jsonColumn(z.record(z.string(), z.unknown())),
  })
  .transform(({ job_id, detail, ...row }) => ({ ...detail, ...row, jobId: job_id }))
  .pipe(jobEventSchema);

/** The history, read by sequence number. */
export function createEventLog(db: Sql) {
  const ofAll = db.prepare('SELECT * FROM job_events WHERE seq > +? ORDER BY seq LIMIT +?');
  const ofJob = db.prepare('SELECT * FROM job_events WHERE job_id = +? AND seq > +? ORDER BY seq LIMIT +?');
  const newestOfJob = db.prepare('SELECT * FROM job_events WHERE job_id = +? ORDER BY seq DESC LIMIT +?');
  // Not the highest that is there: the newest events may have been removed, and readers follow by a number that never goes back.
  const last = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'job_events'").pluck();

  /** At most `limit` events with a number above `after`, oldest first; of one job or of all. */
  function listEvents({
    after,
    jobId,
    limit,
  }: {
    after: number;
    jobId?: string | undefined;
    limit: number;
  }): JobEvent[] {
    const rows = jobId === undefined ? ofAll.all(after, limit) : ofJob.all(jobId, after, limit);
    return rows.map((row) => eventRowSchema.parse(row));
  }

  /** The newest events of a job, the newest first. */
  function listNewestEvents({ jobId, limit }: { jobId: string; limit: number }): JobEvent[] {
    return newestOfJob.all(jobId, limit).map((row) => eventRowSchema.parse(row));
  }

  /** The number of the newest event, also where that was removed since; 0 where there was none yet. */
  function lastSeq(): number {
    return Number(last.get() ?? 0);
  }

  return { listEvents, listNewestEvents, lastSeq };
}
