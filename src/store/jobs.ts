import type { Sql } from './database.ts';
import { jobRowSchema } from './job-row.ts';
import type { JobRow } from './job-row.ts';

/** The row of a job; whole, and parsed. And the one fact that three ways lead to: the uid of its Kubernetes Job. */
export function createJobRows(db: Sql) {
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const learn = db.prepare(
    `UPDATE jobs SET kubernetes_uid = @uid, dispatch = coalesce(dispatch, 'created'), claimed_at = coalesce(claimed_at, @now)
     WHERE id = @id AND kubernetes_uid IS NULL`,
  );

  function findRow(id: string): JobRow | undefined {
    const row = byId.get(id);
    return row === undefined ? undefined : jobRowSchema.parse(row);
  }

  function getRow(id: string): JobRow {
    const row = findRow(id);
    if (row === undefined) throw new Error(`there is no job ${id}`);
    return row;
  }

  /** Whoever knows it first: the create's answer, the watch on Jobs or that on pods. It is proof of the create. False where it was known. */
  function learnUid({ id, uid, now }: { id: string; uid: string; now: string }): boolean {
    return learn.run({ id, uid, now }).changes === 1;
  }

  return { findRow, getRow, learnUid };
}

export type JobRows = ReturnType<typeof createJobRows>;
