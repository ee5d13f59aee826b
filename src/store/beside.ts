import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AppError } from '../core/app-error.ts';
import { refuseForeign } from './database.ts';
import type { Sql } from './database.ts';
import { newestVersion } from './migrate.ts';

/**
 * Opens the database beside the service that may be using it, which keeps the instance lock. Only the service makes and migrates it:
 * throws AppError where it is not there, or not of this version.
 */
export function openBeside(path: string): Sql {
  refuseForeign(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) {
    throw new AppError('not-found', `There is no database ${path} yet; start the service first.`);
  }
  const db = new Database(path, { timeout: 5000 });
  try {
    // As the service has it, and for the same reason.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('trusted_schema = OFF');
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version === newestVersion()) return db;
    throw new AppError(
      'unavailable',
      `The database has schema ${version}, and this program knows ${newestVersion()}; start the service of this version first.`,
    );
  } catch (error) {
    db.close();
    throw error;
  }
}
