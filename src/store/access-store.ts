import type { Logger } from 'pino';
import { openBeside } from './beside.ts';
import { createTokens } from './tokens.ts';
import { createWrites } from './writes.ts';

/** What the command line needs of the store, while the service has the rest of it. */
export function openAccessStore({ path, clock, log }: { path: string; clock: () => Date; log: Logger }) {
  const db = openBeside(path);
  const writes = createWrites({ db, clock, log });
  return { ...createTokens({ db, writes }), close: () => void db.close() };
}
