import Database from 'better-sqlite3';
import { AppError } from '../core/app-error.ts';
import { toSqliteCode } from './sqlite-code.ts';

export type InstanceLock = { release(): void };

/**
 * Holds `<path>.lock`, a SQLite file of its own, with an exclusive transaction that is never ended: the system drops it with
 * the process, however that dies, and the database itself stays open to backups and the command line.
 */
export function takeInstanceLock(path: string): InstanceLock {
  let lock: Database.Database | null = null;
  try {
    lock = new Database(`${path}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (toSqliteCode(error).startsWith('SQLITE_BUSY')) {
      throw new AppError(
        'unavailable',
        `Another instance is already running on the database ${path}; stop it first.`,
        { cause: error },
      );
    }
    throw new AppError('unavailable', `The lock file ${path}.lock cannot be written.`, { cause: error });
  }
  const held = lock;
  return { release: () => void held.close() };
}
