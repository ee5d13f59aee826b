import { z } from 'zod';
import { bootstrapName, roleSchema, serviceItself } from '../core/access.ts';
import type { Actor, Role } from '../core/access.ts';
import { AppError } from '../core/app-error.ts';
import type { Audit } from './audit.ts';
import type { Sql } from './database.ts';
import { drawSecret, hashOf } from './secrets.ts';
import type { Writes } from './writes.ts';

/** Tells people, and programs that look for leaked secrets, what it is. */
const prefix = 'jobspawn_';

/** How far behind the time of the last use may be: a commit for every request would cost more than it tells. */
const lastUseStepMs = 60 * 60 * 1000;

const rowSchema = z
  .object({
    name: z.string(),
    role: roleSchema,
    created_at: z.string(),
    last_used_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
  })
  .transform(({ created_at, last_used_at, revoked_at, ...row }) => ({
    ...row,
    createdAt: created_at,
    lastUsedAt: last_used_at,
    revokedAt: revoked_at,
  }));
export type Token = z.output<typeof rowSchema>;

/** Whose a secret is. */
export type Holder = {
  name: string;
  role: Role;
  /** The last use that is noted is so long ago that this one is to be noted. */
  isUseDue: boolean;
};

/** What a bootstrap secret opens; `taken`: it is the secret of that other token already, valid or revoked. */
export type BootstrapOutcome = { kind: 'valid' | 'revoked' | 'absent' } | { kind: 'taken'; by: string };

/** The tokens of people and programs. A secret passes through here once, and only its hash stays. */
export function createTokens({ db, writes, audit }: { db: Sql; writes: Writes; audit: Audit }) {
  const columns = 'name, role, created_at, last_used_at, revoked_at';
  const byHash = db.prepare(`SELECT ${columns} FROM tokens WHERE hash = ? AND revoked_at IS NULL`);
  const byName = db.prepare<[string], { revoked_at: string | null }>(
    'SELECT revoked_at FROM tokens WHERE name = ?',
  );
  const holderOf = db.prepare<[Buffer], string>('SELECT name FROM tokens WHERE hash = ?').pluck();
  const all = db.prepare(`SELECT ${columns} FROM tokens ORDER BY created_at, name`);
  const insert = db.prepare('INSERT INTO tokens (name, hash, role, created_at) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM tokens WHERE name = ?');
  const revoke = db.prepare('UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL');
  const use = db.prepare('UPDATE tokens SET last_used_at = ? WHERE name = ?');

  /** The secret, for the only time. Throws AppError `conflict` for a name that was ever used. */
  function createToken({ name, role, by }: { name: string; role: Role; by: Actor }): { secret: string } {
    const secret = prefix + drawSecret();
    writes.transact(() => {
      if (byName.get(name) !== undefined) {
        throw new AppError('conflict', `There is, or was, a token "${name}" already; choose another name.`);
      }
      insert.run(name, hashOf(secret), role, writes.now());
      audit.noteAction({ by, action: 'token-create', target: name });
    });
    return { secret };
  }

  /** By its secret, unless it is unknown or revoked. */
  function findToken(secret: string): Holder | undefined {
    const row = byHash.get(hashOf(secret));
    if (row === undefined) return undefined;
    const { name, role, lastUsedAt } = rowSchema.parse(row);
    const sinceMs = lastUsedAt === null ? Infinity : Date.parse(writes.now()) - Date.parse(lastUsedAt);
    return { name, role, isUseDue: sinceMs >= lastUseStepMs };
  }

  /** Notes that it was used; to be called where that is due, since it waits for the disk and for every other writer. */
  function noteTokenUse(name: string): void {
    writes.transact(() => use.run(writes.now(), name));
  }

  function listTokens(): Token[] {
    return all.all().map((row) => rowSchema.parse(row));
  }

  /** Throws AppError `not-found` where there is none of this name that is still valid. */
  function revokeToken(name: string, { by }: { by: Actor }): void {
    writes.transact(() => {
      if (revoke.run(writes.now(), name).changes === 0) {
        throw new AppError('not-found', `There is no valid token "${name}".`);
      }
      audit.noteAction({ by, action: 'token-revoke', target: name });
    });
  }

  /**
   * Makes the reserved token the one with this secret, or takes it away where there is no secret any more, until the secret is back. What
   * was revoked by hand is another matter: its row stays, and keeps the same secret out until there is another one.
   */
  function keepBootstrapToken(secret: string | null): BootstrapOutcome {
    return writes.transact(() => {
      const known = byName.get(bootstrapName);
      if (secret === null) {
        if (known?.revoked_at === null) {
          remove.run(bootstrapName);
          audit.noteAction({ by: serviceItself, action: 'token-revoke', target: bootstrapName });
        }
        return { kind: 'absent' };
      }
      const hash = hashOf(secret);
      const holder = holderOf.get(hash);
      if (holder === bootstrapName) return { kind: known?.revoked_at === null ? 'valid' : 'revoked' };
      if (holder !== undefined) return { kind: 'taken', by: holder };
      remove.run(bootstrapName);
      insert.run(bootstrapName, hash, 'admin', writes.now());
      audit.noteAction({ by: serviceItself, action: 'token-create', target: bootstrapName });
      return { kind: 'valid' };
    });
  }

  return { createToken, findToken, noteTokenUse, listTokens, revokeToken, keepBootstrapToken };
}
