import Database from 'better-sqlite3';
import { z } from 'zod';

/** Every row of every table, as it stands on the disk, so that two looks can be compared whole. */
export function readDatabase(path: string): Record<string, unknown[]> {
  const db = new Database(path, { readonly: true });
  try {
    const tables = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'job_texts%'")
      .pluck()
      .all();
    return Object.fromEntries(
      z
        .array(z.string())
        .parse(tables)
        .map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()]),
    );
  } finally {
    db.close();
  }
}
