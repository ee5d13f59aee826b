import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { JobEvent } from '../core/job.ts';
import type { Sql } from './database.ts';
import { toSqliteCode } from './sqlite-code.ts';

/** An entry of the history before it has its number and time. */
export type NewEvent = Omit<JobEvent, 'seq' | 'at'>;

export type Writes = ReturnType<typeof createWrites>;

/**
 * The one door for changes: `transact` runs them in one immediate transaction, `append` adds to the history inside it, and who
 * listens is told once that transaction is on the disk.
 */
export function createWrites({ db, clock, log }: { db: Sql; clock: () => Date; log: Logger }) {
  const insert = db.prepare(
    'INSERT INTO job_events (job_id, at, kind, state, detail) VALUES (?, ?, ?, ?, ?)',
  );
  const listeners = new Set<() => void>();
  let appended = 0;

  function append({ jobId, kind, state, ...detail }: NewEvent): void {
    insert.run(jobId, now(), kind, state, JSON.stringify(detail));
    appended += 1;
  }

  function transact<T>(change: () => T): T {
    appended = 0;
    const outcome = commit(() => db.transaction(change).immediate());
    if (appended > 0) tell();
    return outcome;
  }

  function tell(): void {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        log.error({ err: error }, 'a listener to commits has failed');
      }
    }
  }

  function onCommit(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  function now(): string {
    return clock().toISOString();
  }

  return { transact, append, onCommit, now };
}

/** What no program error explains: a full disk, a broken or busy one. Nothing was written. */
const diskTroubles = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'];

function commit<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code = toSqliteCode(error);
    if (diskTroubles.some((trouble) => code.startsWith(trouble))) {
      throw new AppError('unavailable', 'The database cannot be written at the moment.', { cause: error });
    }
    throw error;
  }
}
