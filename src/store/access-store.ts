import type { Logger } from 'pino';
import { createAudit } from './audit.ts';
import { openBeside } from './beside.ts';
import { createTokens } from './tokens.ts';
import { createWrites } from './writes.ts';

/** What the command line needs of the store, while the service has the rest of it. */
export function openAccessStore({ path, clock, log }: { path: string; clock: () => Date; log: Logger }) {
  const db = openBeside(path);
  const writes = createWrites({ db, clock, log });
  const audit = createAudit({ db, writes });
  return { ...createTokens({ db, writes, audit }), listAudit: audit.listAudit, close: () => void db.close() };
}
