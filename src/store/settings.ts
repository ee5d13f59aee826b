import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { Sql } from './database.ts';
import type { Writes } from './writes.ts';

const bindingSchema = z.object({ namespace: z.string() });

export function createSettings({ db, writes }: { db: Sql; writes: Writes }) {
  const find = db.prepare<[string], string>('SELECT value FROM settings WHERE name = ?').pluck();
  const insert = db.prepare('INSERT INTO settings (name, value) VALUES (?, ?)');

  function findOrKeep(name: string, make: () => string): string {
    return writes.transact(() => {
      const known = find.get(name);
      if (known !== undefined) return known;
      const value = make();
      insert.run(name, value);
      return value;
    });
  }

  /** The first start decides where this database's jobs are; AppError `conflict` where a later one says otherwise. */
  function bindCluster({ clusterId, namespace }: { clusterId: string; namespace: string }): void {
    const here = JSON.stringify({ clusterId, namespace });
    const known = findOrKeep('cluster', () => here);
    if (known === here) return;
    throw new AppError(
      'conflict',
      `The database belongs to another cluster or namespace (${known}, not ${here}); give each its own DATABASE_PATH.`,
    );
  }

  /** Where this database's jobs are; null before the service has reached its cluster for the first time. */
  function boundNamespace(): string | null {
    const known = find.get('cluster');
    return known === undefined ? null : bindingSchema.parse(JSON.parse(known)).namespace;
  }

  /** 32 random bytes, drawn at the first start: the key that job tokens are made with. */
  function reportKey(): Buffer {
    return Buffer.from(
      findOrKeep('report-key', () => randomBytes(32).toString('base64')),
      'base64',
    );
  }

  return { bindCluster, boundNamespace, reportKey };
}
