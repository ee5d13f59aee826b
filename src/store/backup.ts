import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../core/app-error.ts';
import { applicationId, refuseForeign } from './database.ts';
import type { Sql } from './database.ts';
import { newestVersion } from './migrate.ts';
import { toSqliteCode } from './sqlite-code.ts';

type BackupOptions = { from: string; to: string; clock: () => Date; signal: AbortSignal };

/** Some 4 MiB; between two steps a signal is heard. */
const pagesPerStep = 1000;

/**
 * Copies the database at `from`, which a service may be using, into the new file `to`: one file, checked, on the disk, for this user
 * alone. Throws AppError with one sentence, and leaves nothing behind then.
 */
export async function backUp({ from, to, clock, signal }: BackupOptions): Promise<{
  bytes: number;
  jobs: number;
}> {
  refuseTarget(to);
  const source = openSource(from);
  const partial = `${to}.partial-${process.pid}`;
  try {
    // No later than the copy's view of the jobs: what it shows as unclaimed can only have been sent after this.
    const takenAt = clock().toISOString();
    const jobs = beginReading(source);
    closeSync(openSync(partial, 'wx', 0o600));
    await copy(source, partial, signal);
    prepare(partial, takenAt);
    flush(partial);
    renameSync(partial, to);
    flush(dirname(to));
    return { bytes: statSync(to).size, jobs };
  } catch (error) {
    throw toBackupError(error, to);
  } finally {
    source.close();
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(partial + suffix, { force: true });
  }
}

function refuseTarget(to: string): void {
  if (existsSync(to)) throw new AppError('conflict', `${to} is there already; a backup replaces nothing.`);
  if (statSync(dirname(to), { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new AppError('not-found', `The directory ${dirname(to)} of the backup does not exist.`);
}

function openSource(from: string): Sql {
  refuseForeign(from);
  const size = statSync(from, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) throw new AppError('not-found', `There is no database ${from}.`);
  return new Database(from, { readonly: true, timeout: 5000 });
}

/**
 * Until its end the transaction sees one state of the database. Without it the copy would begin anew whenever the service commits, and
 * under load never end.
 */
function beginReading(source: Sql): number {
  source.exec('BEGIN');
  const version = Number(source.pragma('user_version', { simple: true }));
  if (version === 0 || version > newestVersion()) {
    throw new AppError(
      'unavailable',
      `The database has schema ${version}, which this program does not know.`,
    );
  }
  return Number(source.prepare('SELECT count(*) FROM jobs').pluck().get());
}

async function copy(source: Sql, partial: string, signal: AbortSignal): Promise<void> {
  const progress = () => {
    signal.throwIfAborted();
    return pagesPerStep;
  };
  await source.backup(partial, { progress });
}

/**
 * Makes the copy safe to be restored. What it shows as waiting may have been sent since, so all of it is taken as sent when the copy was
 * made: the dispatcher then finds what became of it, and never runs it a second time.
 */
function prepare(partial: string, takenAt: string): void {
  const db = new Database(partial);
  try {
    // No write-ahead log: the copy is this one file.
    db.pragma('journal_mode = DELETE');
    db.prepare('UPDATE jobs SET claimed_at = ? WHERE claimed_at IS NULL AND finished_at IS NULL').run(
      takenAt,
    );
    const isWhole =
      db.pragma('application_id', { simple: true }) === applicationId &&
      db.pragma('integrity_check', { simple: true }) === 'ok';
    if (!isWhole) throw new AppError('unavailable', 'The copy is damaged, and so is probably the database.');
  } finally {
    db.close();
  }
}

/** A file, or the directory that names it. */
function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function toBackupError(error: unknown, to: string): unknown {
  if (error instanceof AppError) return error;
  const isTrouble = toSqliteCode(error) !== '' || (error instanceof Error && 'syscall' in error);
  if (!isTrouble) return error;
  return new AppError('unavailable', `The backup ${to} cannot be made.`, { cause: error });
}
