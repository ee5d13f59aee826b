import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { codeOf, LocalClusterFault } from './faults.ts';

/** One object as it lies on disk: its JSON, under its resource, namespace and name. */
export type StoredRow = { resource: string; namespace: string; name: string; body: string };

export type Storage = {
  /** The last resourceVersion given to a deletion; those of the objects may be later. */
  lastVersion(): number;
  rows(): StoredRow[];
  put(row: StoredRow): void;
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

/** Of the tables above; in 1, `version` was written with every change. An older one is brought up to date here, a newer one is another program's. */
const schemaVersion = 2;

/** Throws LocalClusterFault when the database is a newer one, SqliteError when it is broken. */
function prepare(database: Database.Database, file: string): void {
  // EXCLUSIVE before WAL: the lock is then held for as long as the file is open, and no shared memory file is needed.
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  // NORMAL loses nothing when the process is killed; only a power cut may take the last writes.
  database.pragma('synchronous = NORMAL');
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > schemaVersion) {
    throw new LocalClusterFault(`${file} was written by a newer version of the local cluster`);
  }
  // A page that is broken is found now, and not by the request that needs it.
  const finding = String(database.pragma('quick_check(1)', { simple: true }));
  if (finding !== 'ok') throw new LocalClusterFault(`${file} is damaged: ${finding.split('\n').at(-1)}`);
  database.exec(schema);
  database.pragma(`user_version = ${schemaVersion}`);
}

/** Throws LocalClusterFault when it is the database that fails. */
function attempt<T>(file: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = codeOf(error);
    if (!code?.startsWith('SQLITE_')) throw error;
    throw new LocalClusterFault(
      code.startsWith('SQLITE_BUSY')
        ? `another local cluster is running on the data directory ${dirname(file)}`
        : `${file} cannot be used: ${String(error).replace(/^SqliteError: /, '')}`,
      { cause: error },
    );
  }
}

/** The durable side of the registry: one SQLite file in `dataDir`, written through. Throws LocalClusterFault. */
export function openStorage(dataDir: string): Storage {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'cluster.db');
  const database = attempt(file, () => new Database(file, { timeout: 0 }));
  try {
    return attempt(file, () => {
      prepare(database, file);
      return createStorage(database);
    });
  } catch (error) {
    database.close();
    throw error;
  }
}

function createStorage(database: Database.Database): Storage {
  const putRow = database.prepare<[string, string, string, string]>(
    'INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)',
  );
  const removeRow = database.prepare<[string, string, string]>(
    'DELETE FROM object WHERE resource = ? AND namespace = ? AND name = ?',
  );
  const setVersion = database.prepare<[number]>('UPDATE version SET last = ?');
  const readVersion = database.prepare<[], { last: number }>('SELECT last FROM version');
  const readRows = database.prepare<[], StoredRow>('SELECT resource, namespace, name, body FROM object');

  return {
    lastVersion: () => attempt(database.name, () => readVersion.get()?.last ?? 0),
    rows: () => attempt(database.name, () => readRows.all()),
    put: (row) => void putRow.run(row.resource, row.namespace, row.name, row.body),
    remove: database.transaction((key: Omit<StoredRow, 'body'>, version: number) => {
      removeRow.run(key.resource, key.namespace, key.name);
      setVersion.run(version);
    }),
    close: () => database.close(),
  };
}
