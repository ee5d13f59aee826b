import { z } from 'zod';
import { jobStates } from '../core/job-state.ts';
import type { Sql } from './database.ts';

const endSchema = z.object({
  state: z.enum(jobStates),
  createdAt: z.string(),
  /** When it left the queue; null for one that never did. */
  claimedAt: z.string().nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string(),
});

export type JobEnd = z.output<typeof endSchema>;

/** The ends of jobs, found by the numbers of the history. What is told of a job after its end (why it failed) is no second end. */
export function createJobEnds(db: Sql) {
  const final = "('SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST')";
  const ends = db.prepare(
    `SELECT jobs.state, jobs.created_at AS createdAt, claimed_at AS claimedAt, started_at AS startedAt, finished_at AS finishedAt
     FROM job_events JOIN jobs ON jobs.id = job_events.job_id
     WHERE seq > ? AND seq <= ? AND kind = 'state'
       AND job_events.state IN ${final} AND NOT EXISTS (
         SELECT 1 FROM job_events AS earlier WHERE earlier.job_id = job_events.job_id AND earlier.seq < job_events.seq
           AND earlier.kind = 'state' AND earlier.state IN ${final})
     ORDER BY seq`,
  );

  /** Told by events above `after`, up to `upTo`. */
  return function listEnds({ after, upTo }: { after: number; upTo: number }): JobEnd[] {
    return ends.all(after, upTo).map((row) => endSchema.parse(row));
  };
}
