import type { Actor } from '../core/access.ts';
import { auditEntrySchema } from '../core/audit.ts';
import type { AuditEntry } from '../core/audit.ts';
import { biteRows } from './bite.ts';
import type { Sql } from './database.ts';
import type { Writes } from './writes.ts';

type NewEntry = Pick<AuditEntry, 'action' | 'target'> & { by: Actor; outcome?: AuditEntry['outcome'] };

export type Audit = ReturnType<typeof createAudit>;

/** Who did what, by sequence number, as the history of jobs is kept. */
export function createAudit({ db, writes }: { db: Sql; writes: Writes }) {
  const insert = db.prepare(
    'INSERT INTO audit (at, principal, action, target, outcome, address) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const after = db.prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?');
  const remove = db.prepare(
    'DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE at < ? ORDER BY at LIMIT ?)',
  );

  /** In one transaction with what it tells of: called within that, it is there exactly when that is. */
  function noteAction({ by, action, target, outcome = 'done' }: NewEntry): void {
    writes.transact(() => insert.run(writes.now(), by.name, action, target, outcome, by.address));
  }

  /** At most `limit` entries with a number above `after`, oldest first. */
  function listAudit({ after: seq, limit }: { after: number; limit: number }): AuditEntry[] {
    return after.all(seq, limit).map((row) => auditEntrySchema.parse(row));
  }

  /** One bite of those that were made before the given time. `entries` is 0 when nothing is due. */
  function removeOldAudit({ madeBefore }: { madeBefore: string }): { entries: number } {
    return writes.transact(() => ({ entries: remove.run(madeBefore, biteRows).changes }));
  }

  return { noteAction, listAudit, removeOldAudit };
}
