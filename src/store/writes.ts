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
/** For so long after a group a change that nobody waits for waits for company. */
const usualPatienceMs = 3;

/**
 * The one door for changes: `transact` runs them in one immediate transaction, `append` adds to the history inside it, and who
 * listens is told once that transaction is on the disk. `groupCommit` lets the changes of one turn of the event loop, and those before
 * them that could wait, share a transaction, since most of what a durable commit costs is its wait for the disk.
 */
export function createWrites({
  db,
  clock,
  log,
  patienceMs = usualPatienceMs,
}: {
  db: Sql;
  clock: () => Date;
  log: Logger;
  patienceMs?: number;
}) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const insert = db.prepare(
    'INSERT INTO job_events (job_id, at, kind, state, detail) VALUES (?, ?, ?, ?, ?)',
  );
  const listeners = new Set<() => void>();
  let appended = 0;
  let listenerFaults = 0;
  let group: Member[] = [];
  let groupEndedAt = -Infinity;
  /** When the group is committed: in this turn of the event loop, or when the timer says so; null while there is none. */
  let due: 'this turn' | NodeJS.Timeout | null = null;

  function append({ jobId, kind, state, ...detail }: NewEvent): void {
    insert.run(jobId, now(), kind, state, JSON.stringify(detail));
    appended += 1;
  }

  /** Within another one it is part of that: what it throws undoes the whole, so nobody in between may catch it. */
  function transact<T>(change: () => T): T {
    if (db.inTransaction) return change();
    appended = 0;
    const outcome = runWhole(change);
    if (appended > 0) tell();
    return outcome;
  }

  function runWhole<T>(change: () => T): T {
    try {
      begin.run();
      const outcome = change();
      commit.run();
      return outcome;
    } catch (error) {
      if (isDiskTrouble(error)) throw toUnavailable(error);
      throw error;
    } finally {
      // Not where it was committed, nor where SQLite has undone it by itself, as it does for a full disk.
      if (db.inTransaction) rollback.run();
    }
  }

  /**
   * Resolves once the change is on the disk; rejects with what it threw, which undoes nothing but itself. It may run twice: where one
   * of a group throws, nothing of that group has happened, and each is run again by itself. What `canWait` goes with the next change that
   cannot, or some milliseconds after the last group.
   */
  function groupCommit<T>(change: () => T, { canWait = false } = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): Answer => {
        const outcome = change();
        return () => resolve(outcome);
      };
      group.push({ run, reject });
      schedule(canWait ? groupEndedAt + patienceMs - performance.now() : 0);
    });
  }

  function schedule(inMs: number): void {
    if (due === 'this turn') return;
    if (inMs >= 1) {
      due ??= setTimeout(commitGroup, inMs);
      return;
    }
    if (due !== null) clearTimeout(due);
    due = 'this turn';
    setImmediate(commitGroup);
  }

  function commitGroup(): void {
    const members = group.slice(0, groupLimit);
    group = group.slice(groupLimit);
    due = null;
    if (group.length > 0) schedule(0);
    const failed = commitTogether(members);
    groupEndedAt = performance.now();
    if (failed === null) return;
    // What the disk refuses to one it refuses to all, and each try may take long.
    const isHopeless = members.length === 1 || isUnavailable(failed.error);
    for (const member of members) {
      const own = isHopeless ? failed : commitTogether([member]);
      if (own !== null) member.reject(own.error);
    }
  }

  /** Null, and all are answered; or what one of them threw, and nothing has happened. */
  function commitTogether(members: readonly Member[]): { error: unknown } | null {
    let answers: Answer[];
    try {
      answers = transact(() => members.map(({ run }) => run()));
    } catch (error) {
      return { error };
    }
    for (const answer of answers) answer();
    return null;
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

function toUnavailable(cause: unknown): AppError {
  return new AppError('unavailable', 'The database cannot be written at the moment.', { cause });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable';
}

function isDiskTrouble(error: unknown): boolean {
  const code = toSqliteCode(error);
  return diskTroubles.some((trouble) => code.startsWith(trouble));
}
