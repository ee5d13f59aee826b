import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { JobEvent } from '../core/job.ts';
import type { Sql } from './database.ts';
import { toSqliteCode } from './sqlite-code.ts';

/** An entry of the history before it has its number and time. */
export type NewEvent = Omit<JobEvent, 'seq' | 'at'>;

export type Writes = ReturnType<typeof createWrites>;

/** Changes of one transaction; what waits beyond them comes in the next turn, so that a flood cannot hold the event loop. */
const groupLimit = 100;

/**
 * The one door for changes: `transact` runs them in one immediate transaction, `append` adds to the history inside it, and who
 * listens is told once that transaction is on the disk. `groupCommit` lets the changes of one turn of the event loop share a
 * transaction, since most of what a durable commit costs is its wait for the disk.
 */
export function createWrites({ db, clock, log }: { db: Sql; clock: () => Date; log: Logger }) {
  const insert = db.prepare(
    'INSERT INTO job_events (job_id, at, kind, state, detail) VALUES (?, ?, ?, ?, ?)',
  );
  const listeners = new Set<() => void>();
  let appended = 0;
  let listenerFaults = 0;
  let group: Member[] = [];

  function append({ jobId, kind, state, ...detail }: NewEvent): void {
    insert.run(jobId, now(), kind, state, JSON.stringify(detail));
    appended += 1;
  }

  function transact<T>(change: () => T): T {
    // Within another one it is a savepoint: undone by itself where it throws, on the disk with the whole.
    if (db.inTransaction) return db.transaction(change)();
    appended = 0;
    const outcome = commit(() => db.transaction(change).immediate());
    if (appended > 0) tell();
    return outcome;
  }

  /** Resolves once the change is on the disk; rejects with what it threw, which undoes nothing but itself. */
  function groupCommit<T>(change: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): Answer => {
        try {
          const outcome = transact(change);
          return () => resolve(outcome);
        } catch (error) {
          // What the disk refuses to one it refuses to all: SQLite may have undone the whole by itself.
          if (isDiskTrouble(error)) throw error;
          return () => reject(error);
        }
      };
      if (group.push({ run, reject }) === 1) setImmediate(commitGroup);
    });
  }

  function commitGroup(): void {
    const members = group.slice(0, groupLimit);
    group = group.slice(groupLimit);
    if (group.length > 0) setImmediate(commitGroup);
    try {
      for (const answer of transact(() => members.map(({ run }) => run()))) answer();
    } catch (error) {
      for (const { reject } of members) reject(error);
    }
  }

  function tell(): void {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        listenerFaults += 1;
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

  /** How often a listener to commits has thrown. */
  const countListenerFaults = () => listenerFaults;

  return { transact, groupCommit, append, onCommit, countListenerFaults, now };
}

/** Tells the caller what became of its change; called after the commit. */
type Answer = () => void;
type Member = { run: () => Answer; reject: (error: unknown) => void };

/** What no program error explains: a full disk, a broken or busy one. Nothing was written. */
const diskTroubles = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'];

function commit<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (isDiskTrouble(error)) {
      throw new AppError('unavailable', 'The database cannot be written at the moment.', { cause: error });
    }
    throw error;
  }
}

function isDiskTrouble(error: unknown): boolean {
  const code = toSqliteCode(error);
  return diskTroubles.some((trouble) => code.startsWith(trouble));
}
