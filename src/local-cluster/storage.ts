import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** One object as it lies on disk: its JSON, under its resource, namespace and name. */
export type StoredRow = { resource: string; namespace: string; name: string; body: string };

export type Storage = {
  /** The last resourceVersion ever given out, by this run or an earlier one. */
  lastVersion(): number;
  rows(): StoredRow[];
  put(row: StoredRow, version: number): void;
  remove(key: Omit<StoredRow, 'body'>, version: number): void;
  close(): void;
};

// Versions start high enough that the small numbers people try are of the past, as on any cluster.
const schema = `
  CREATE TABLE IF NOT EXISTS object (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS version (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO version VALUES (1, 100);
`;

const isBusy = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  String(error.code).startsWith('SQLITE_BUSY');

/**
 * The durable side of the registry: one SQLite file in `dataDir`, written through.
 * Throws an Error with one clear sentence when another cluster holds the same directory.
 */
export function openStorage(dataDir: string): Storage {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = new Database(join(dataDir, 'cluster.db'), { timeout: 0 });
  try {
    // EXCLUSIVE before WAL: the lock is then held for as long as the file is open, and no shared memory file is needed.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    // NORMAL loses nothing when the process is killed; only a power cut may take the last writes.
    database.pragma('synchronous = NORMAL');
    database.exec(schema);
  } catch (error) {
    database.close();
    if (isBusy(error)) {
      throw new Error(`another local cluster is running on the data directory ${dataDir}`, { cause: error });
    }
    throw error;
  }

  const putRow = database.prepare<[string, string, string, string]>(
    'INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)',
  );
  const removeRow = database.prepare<[string, string, string]>(
    'DELETE FROM object WHERE resource = ? AND namespace = ? AND name = ?',
  );
  const setVersion = database.prepare<[number]>('UPDATE version SET last = ?');

  return {
    lastVersion: () => database.prepare<[], { last: number }>('SELECT last FROM version').get()?.last ?? 0,
    rows: () => database.prepare<[], StoredRow>('SELECT resource, namespace, name, body FROM object').all(),
    put: database.transaction((row: StoredRow, version: number) => {
      putRow.run(row.resource, row.namespace, row.name, row.body);
      setVersion.run(version);
    }),
    remove: database.transaction((key: Omit<StoredRow, 'body'>, version: number) => {
      removeRow.run(key.resource, key.namespace, key.name);
      setVersion.run(version);
    }),
    close: () => database.close(),
  };
}
