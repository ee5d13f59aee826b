import type { Sql } from './database.ts';
import { jobRowSchema, spokenOfSchema } from './job-row.ts';
import type { JobRow, SpokenOf } from './job-row.ts';

/** The row of a job; whole, and parsed. And the one fact that three ways lead to: the uid of its Kubernetes Job. */
export function createJobRows(db: Sql) {
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const spokenOf = db.prepare(
    `SELECT id, state, finished_at, spec ->> '$.completions' AS completions, spec ->> '$.completionMode' AS completionMode,
       spec ->> '$.restartPolicy' AS restartPolicy FROM jobs WHERE id = ?`,
  );
  const learn = db.prepare(
    `UPDATE jobs SET kubernetes_uid = @uid, dispatch = coalesce(dispatch, 'created'), claimed_at = coalesce(claimed_at, @now)
     WHERE id = @id AND kubernetes_uid IS NULL`,
  );

  function findRow(id: string): JobRow | undefined {
    const row = byId.get(id);
    return row === undefined ? undefined : jobRowSchema.parse(row);
  }

  /** No more of it than a report needs: there are far more reports than jobs. */
  function findSpokenOf(id: string): SpokenOf | undefined {
    const row = spokenOf.get(id);
    return row === undefined ? undefined : spokenOfSchema.parse(row);
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

  return { findRow, findSpokenOf, getRow, learnUid };
}

export type JobRows = ReturnType<typeof createJobRows>;
