import { readdirSync, readFileSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { AppError } from '../core/app-error.ts';

type Migration = { version: number; sql: string };

const folder = new URL('./migrations/', import.meta.url);

/** Brings the schema up to date; each numbered file is one transaction, together with the version it leads to. */
export function migrate(db: Database.Database, path: string): void {
  const migrations = readMigrations();
  const newest = newestVersion(migrations);
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > newest) {
    throw new AppError(
      'unavailable',
      `The database ${path} has schema ${version}, but this program knows only up to ${newest}; run the newer program.`,
    );
  }
  for (const migration of migrations.filter((each) => each.version > version)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
}

/** The schema that this program writes. */
export function newestVersion(migrations = readMigrations()): number {
  return migrations.at(-1)?.version ?? 0;
}

/** Files named `0001-noun.sql`, in the order of their numbers. */
function readMigrations(): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .toSorted()
    .map((file) => ({ version: Number(file.slice(0, 4)), sql: readFileSync(new URL(file, folder), 'utf8') }));
}
