/**
 * The logins of browsers. A session is nothing but a random name for "came with this token": it has no content, so there is nothing to
 * serialize, to merge or to sign, and a session package would bring more to get wrong than it takes off us. What one must get right is
 * here: the id is drawn anew at each login (nobody can plant one), kept as its hash (the file opens no door), and lives no longer than its
 * token, than half a day, and than two hours without a request.
 */
import { z } from 'zod';
import { roleSchema } from '../core/access.ts';
import type { Actor } from '../core/access.ts';
import type { Audit } from './audit.ts';
import type { Sql } from './database.ts';
import { drawSecret, hashOf } from './secrets.ts';
import type { Holder } from './tokens.ts';
import type { Writes } from './writes.ts';

export const longestSessionMs = 12 * 60 * 60 * 1000;
const longestIdleMs = 2 * 60 * 60 * 1000;
/** How far behind the time of the last request may be: not every one is worth a commit. */
const seenStepMs = 60 * 1000;

const rowSchema = z.object({ name: z.string(), role: roleSchema, last_seen_at: z.string() });

export function createSessions({ db, writes, audit }: { db: Sql; writes: Writes; audit: Audit }) {
  const find = db.prepare(
    `SELECT tokens.name, tokens.role, sessions.last_seen_at FROM sessions JOIN tokens ON tokens.name = sessions.token
     WHERE sessions.hash = ? AND tokens.revoked_at IS NULL AND sessions.created_at > ? AND sessions.last_seen_at > ?`,
  );
  const insert = db.prepare(
    'INSERT INTO sessions (hash, token, created_at, last_seen_at) VALUES (?, ?, @now, @now)',
  );
  const see = db.prepare('UPDATE sessions SET last_seen_at = ? WHERE hash = ?');
  const remove = db.prepare<[Buffer], string>('DELETE FROM sessions WHERE hash = ? RETURNING token').pluck();
  const removeOld = db.prepare('DELETE FROM sessions WHERE created_at <= ?');

  const ago = (ms: number) => new Date(Date.parse(writes.now()) - ms).toISOString();

  /** The id of a new session for who holds this token. Those that are too old go at the same time. */
  function startSession(token: string, { address }: Pick<Actor, 'address'>): string {
    const id = drawSecret();
    writes.transact(() => {
      removeOld.run(ago(longestSessionMs));
      insert.run(hashOf(id), token, { now: writes.now() });
      audit.noteAction({ by: { name: token, address }, action: 'login', target: null });
    });
    return id;
  }

  /** Whose session it is, while it is one. */
  function findSession(id: string): Holder | undefined {
    const row = find.get(hashOf(id), ago(longestSessionMs), ago(longestIdleMs));
    if (row === undefined) return undefined;
    const { name, role, last_seen_at: lastSeenAt } = rowSchema.parse(row);
    return { name, role, isUseDue: lastSeenAt <= ago(seenStepMs) };
  }

  /** Notes that it is in use; to be called where that is due. */
  function noteSessionUse(id: string): void {
    writes.transact(() => see.run(writes.now(), hashOf(id)));
  }

  function endSession(id: string, { address }: Pick<Actor, 'address'>): void {
    writes.transact(() => {
      const token = remove.get(hashOf(id));
      if (token !== undefined)
        audit.noteAction({ by: { name: token, address }, action: 'logout', target: null });
    });
  }

  return { startSession, findSession, noteSessionUse, endSession };
}
