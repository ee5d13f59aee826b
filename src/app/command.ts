import { Command } from 'commander';
import { openAccessStore } from '../store/access-store.ts';
import { parseDatabasePath } from './config.ts';
import { createLog } from './log.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A wrong call of it ends in an exception, not in the end of the process. */
export function command(name: string): Command {
  return new Command(name).exitOverride();
}

/** Opens the database of `DATABASE_PATH` beside the service, and closes it however it goes. */
export function withAccessStore(
  environment: Environment,
  use: (store: ReturnType<typeof openAccessStore>) => void,
): void {
  const path = parseDatabasePath(environment);
  const store = openAccessStore({ path, clock: () => new Date(), log: createLog('warn') });
  try {
    use(store);
  } finally {
    store.close();
  }
}
