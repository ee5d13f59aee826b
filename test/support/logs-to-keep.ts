import type { LogToKeep } from '../../src/store/logs.ts';
import type { Store } from '../../src/store/store.ts';

/** The logs that are still to be fetched, oldest first. */
export function logsToKeep(store: Pick<Store, 'listLogsToKeep' | 'findLogToKeep'>): LogToKeep[] {
  return store
    .listLogsToKeep({ after: 0, limit: 1000 })
    .flatMap((number) => store.findLogToKeep(number) ?? []);
}
