import { z } from 'zod';
import type { Sql } from './database.ts';

const queueSchema = z.object({ depth: z.int(), oldestQueuedAt: z.string().nullable(), active: z.int() });

export type QueueStatus = z.output<typeof queueSchema>;

/** What waits and what holds a place, however many rows there are: each number is read from an index or from a count that is kept. */
export function createQueueStatus(db: Sql) {
  const status = db.prepare(
    `SELECT (SELECT jobs FROM job_counts WHERE state = 'QUEUED') AS depth,
       (SELECT created_at FROM jobs WHERE state = 'QUEUED' ORDER BY number LIMIT 1) AS oldestQueuedAt,
       (SELECT count(*) FROM jobs WHERE claimed_at IS NOT NULL AND finished_at IS NULL) AS active`,
  );

  /** `depth`: jobs not known to be in the cluster yet; `active`: those that were claimed and have not ended. */
  return function queueStatus(): QueueStatus {
    return queueSchema.parse(status.get());
  };
}
