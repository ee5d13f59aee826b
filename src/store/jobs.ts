import type { Sql } from './database.ts';
import { jobRowSchema } from './job-row.ts';
import type { JobRow } from './job-row.ts';

/** The row of a job; whole, and parsed. */
export function createJobRows(db: Sql) {
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');

  function findRow(id: string): JobRow | undefined {
    const row = byId.get(id);
    return row === undefined ? undefined : jobRowSchema.parse(row);
  }

  function getRow(id: string): JobRow {
    const row = findRow(id);
    if (row === undefined) throw new Error(`there is no job ${id}`);
    return row;
  }

  return { findRow, getRow };
}

export type JobRows = ReturnType<typeof createJobRows>;
