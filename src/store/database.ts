import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../core/app-error.ts';
import { takeInstanceLock } from './instance-lock.ts';
import { migrate } from './migrate.ts';
import { toSqliteCode } from './sqlite-code.ts';

/**
 * Where a value is compared to part of an index or stands in LIMIT, statements that are used often say `+?` for `?`: it keeps SQLite, which
 * comes to us with STAT4, from preparing them anew for each value, in search of a better plan. That takes longer than most queries.
 */
export type Sql = Database.Database;

/** `JSpn` in a SQLite header: tells our file from any other database. */
export const applicationId = 0x4a53706e;

/**
 * Opens (or makes) the database, alone, durable and of this version. Throws AppError with one sentence: `invalid` where the path cannot be
 * that of our database, `unavailable` otherwise.
 */
export function openDatabase(path: string): { db: Sql; close: () => void } {
  makeDirectory(path);
  refuseForeign(path);
  const lock = takeInstanceLock(path);
  let db: Sql | null = null;
  try {
    // It holds the key to all tokens: for this user alone, and so are the files that SQLite puts beside it.
    closeSync(openSync(path, 'a', 0o600));
    db = new Database(path, { timeout: 5000 });
    setUp(db, path);
  } catch (error) {
    db?.close();
    lock.release();
    throw toOpenError(error, path);
  }
  const opened = db;
  return {
    db: opened,
    close: () => {
      opened.close();
      lock.release();
    },
  };
}

function makeDirectory(path: string): void {
  try {
    makeMissing(dirname(path));
  } catch (error) {
    throw new AppError('invalid', `The directory ${dirname(path)} of the database cannot be made.`, {
      cause: error,
    });
  }
}

/** Not by `recursive`, with which Node never returns where a directory is there and takes no other one, as in /proc. */
function makeMissing(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  makeMissing(dirname(directory));
  mkdirSync(directory);
}

/** What the write-ahead log is cut back to once a checkpoint has emptied it, in bytes. */
const walSizeLimit = 16 * 1024 * 1024;

function setUp(db: Sql, path: string): void {
  // Before the first page is written, or never: what is removed later can then leave the file without a VACUUM.
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  db.pragma(`journal_size_limit = ${walSizeLimit}`);
  // better-sqlite3 is compiled so that a re-opened WAL database falls back to NORMAL, which may lose the last commits.
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
  if (db.pragma('synchronous', { simple: true }) !== 2) {
    throw new AppError(
      'unavailable',
      `The database ${path} does not write durably (synchronous is not FULL).`,
    );
  }
  db.pragma(`application_id = ${applicationId}`);
  migrate(db, path);
}

/** Before anything is written beside it. A file that is not there, or is empty, is nobody's. */
export function refuseForeign(path: string): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  if (!file.isFile()) throw new AppError('invalid', `${path} is no file, so it cannot be the database.`);
  if (file.size === 0) return;
  let db: Sql | null = null;
  try {
    db = new Database(path, { readonly: true });
    const id = db.pragma('application_id', { simple: true });
    const empty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
    if (id === applicationId || empty) return;
  } catch (error) {
    throw toOpenError(error, path);
  } finally {
    db?.close();
  }
  throw new AppError('invalid', `The file ${path} is a database of another program.`);
}

function toOpenError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  if (toSqliteCode(error) === 'SQLITE_NOTADB') {
    return new AppError('invalid', `The file ${path} is not a database.`, { cause: error });
  }
  return new AppError('unavailable', `The database ${path} cannot be opened or written.`, { cause: error });
}
