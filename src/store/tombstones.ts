import { z } from 'zod';
import type { Job } from '../core/job.ts';
import { jobSummarySchema } from '../core/job.ts';
import { biteRows } from './bite.ts';
import type { Sql } from './database.ts';
import { jsonColumn, toSummary } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import type { Writes } from './writes.ts';

const tombstoneSchema = z.object({ job: jsonColumn(jobSummarySchema) });

export type Tombstones = ReturnType<typeof createTombstones>;

/**
 * What removed jobs were. Whoever repeats a request with its key, or with the id that he gave it, gets the same job again and starts
 * nothing, long after the job itself was removed.
 */
export function createTombstones({ db, writes }: { db: Sql; writes: Writes }) {
  const mayBeAskedFor = db
    .prepare<{ id: string }, 0 | 1>(
      `SELECT EXISTS (SELECT 1 FROM jobs WHERE id = @id AND id_given = 1)
         OR EXISTS (SELECT 1 FROM idempotency_keys WHERE job_id = @id)`,
    )
    .pluck();
  const insert = db.prepare(
    'INSERT INTO tombstones (job_id, request_hash, accepted_at, job) VALUES (?, ?, ?, ?)',
  );
  const find = db.prepare('SELECT job FROM tombstones WHERE job_id = ?');
  const oldest = db
    .prepare<[string], string>(
      'SELECT job_id FROM tombstones WHERE accepted_at < ? ORDER BY accepted_at LIMIT 1',
    )
    .pluck();
  const removeKeys = db.prepare('DELETE FROM idempotency_keys WHERE job_id = ? LIMIT ?');
  const remove = db.prepare('DELETE FROM tombstones WHERE job_id = ?');

  /** Within the transaction that removes the job. */
  function bury(row: JobRow): void {
    if (mayBeAskedFor.get({ id: row.id }) !== 1) return;
    insert.run(row.id, row.request_hash, row.created_at, JSON.stringify(toSummary(row)));
  }

  /** As it was when it was removed, without its tasks and reports. */
  function getJob(id: string): Job {
    const { job } = tombstoneSchema.parse(find.get(id));
    return { ...job, tasks: [], reports: [], conditions: [] };
  }

  /**
   * One bite of those of jobs that were accepted before the given time, together with their keys. `rows` is 0 when nothing is due.
   */
  function removeOldTombstones(limits: { acceptedBefore: string }): { tombstones: number; rows: number } {
    return writes.transact(() => {
      let [tombstones, keys] = [0, 0];
      while (tombstones + keys < biteRows) {
        const id = oldest.get(limits.acceptedBefore);
        if (id === undefined) break;
        // The keys first: one without its job would lead nowhere.
        keys += removeKeys.run(id, biteRows - tombstones - keys).changes;
        if (tombstones + keys < biteRows) tombstones += remove.run(id).changes;
      }
      return { tombstones, rows: tombstones + keys };
    });
  }

  return { bury, getJob, removeOldTombstones };
}
