import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { openDatabase } from '../../src/store/database.ts';
import { openStore } from '../../src/store/store.ts';
import { newJob, silent } from './stage.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-open-'));
  path = join(directory, 'jobspawn.db');
});

afterEach(() => rmSync(directory, { recursive: true }));

const open = (at = path) => openStore({ path: at, clock: () => new Date(), log: silent });

/** Every refusal is an AppError that a person can read. */
function refusal(sentence: RegExp) {
  return expect.objectContaining({ code: 'unavailable', message: expect.stringMatching(sentence) });
}

/** One that no further try can end, as the path is wrong. */
function wrongPath(sentence: RegExp) {
  return expect.objectContaining({ code: 'invalid', message: expect.stringMatching(sentence) });
}

test('a directory that is not there yet is made', () => {
  const deep = join(directory, 'a', 'b', 'jobspawn.db');
  open(deep).close();
  expect(existsSync(deep)).toBe(true);
});

test('fault 3: a re-opened database writes durably, checks its references and trusts no schema', () => {
  openDatabase(path).close();
  const { db, close } = openDatabase(path);
  const pragma = (name: string) => db.pragma(name, { simple: true });
  expect(pragma('synchronous')).toBe(2);
  expect(pragma('journal_mode')).toBe('wal');
  expect(pragma('foreign_keys')).toBe(1);
  expect(pragma('trusted_schema')).toBe(0);
  expect(pragma('integrity_check')).toBe('ok');
  close();
});

test('a database can shrink without a VACUUM, and its write-ahead log is bounded', () => {
  const { db, close } = openDatabase(path);
  const incremental = 2;
  expect(db.pragma('auto_vacuum', { simple: true })).toBe(incremental);
  expect(db.pragma('journal_size_limit', { simple: true })).toBe(16 * 1024 * 1024);
  close();
});

test('what was accepted is there after the next start', () => {
  const first = open();
  first.acceptJob(newJob());
  const key = first.reportKey();
  first.close();
  const second = open();
  expect(second.findJob('job-1')).toMatchObject({ id: 'job-1', state: 'QUEUED' });
  expect(second.reportKey()).toEqual(key);
  expect(key).toHaveLength(32);
  second.close();
});

test('a second instance on the same database is refused, and a later one is not', () => {
  const first = open();
  expect(() => open()).toThrow(refusal(/Another instance is already running/));
  first.close();
  open().close();
});

test('another process cannot open the database, and a killed one leaves no lock behind', async () => {
  const module = new URL('../../src/store/instance-lock.ts', import.meta.url).href;
  const script = `const { takeInstanceLock } = await import('${module}'); globalThis.held = takeInstanceLock(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  try {
    await once(holder.stdout, 'data');
    expect(() => open()).toThrow(refusal(/Another instance is already running/));
  } finally {
    holder.kill('SIGKILL');
  }
  await ended;
  open().close();
});

test('backups and the command line can still open the database while it is in use', () => {
  const store = open();
  const other = new Database(path, { readonly: true });
  expect(other.prepare('SELECT count(*) FROM jobs').pluck().get()).toBe(0);
  other.close();
  store.close();
});

test('a file that is no database is refused', () => {
  writeFileSync(path, 'this is a letter, not a database; '.repeat(100));
  expect(() => open()).toThrow(wrongPath(/is not a database/));
});

test('the database of another program is refused and left as it is', () => {
  const other = new Database(path);
  other.exec('CREATE TABLE recipes (name TEXT)');
  other.close();
  expect(() => open()).toThrow(wrongPath(/another program/));
  const again = new Database(path, { readonly: true });
  expect(again.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['recipes']);
  again.close();
});

test('a database that a newer program has written is refused', () => {
  open().close();
  const newer = new Database(path);
  newer.pragma('user_version = 999');
  newer.close();
  expect(() => open()).toThrow(refusal(/has schema 999, but this program knows only up to \d+/));
});

test('a path that cannot be made or written is refused', () => {
  writeFileSync(join(directory, 'file'), '');
  expect(() => open(join(directory, 'file', 'jobspawn.db'))).toThrow(wrongPath(/cannot be made/));
  mkdirSync(path);
  expect(() => open()).toThrow(wrongPath(/is no file/));
});

test('only this user can read the database, which holds the key to all tokens', () => {
  open().close();
  expect(statSync(path).mode & 0o077).toBe(0);
});

test('a refused file gets nothing put beside it', () => {
  writeFileSync(path, 'a letter');
  expect(() => open()).toThrow(wrongPath(/is not a database/));
  expect(readdirSync(directory)).toEqual(['jobspawn.db']);
});

test('after a refusal the lock is free again', () => {
  writeFileSync(path, 'x'.repeat(1000));
  expect(() => open()).toThrow(wrongPath(/is not a database/));
  rmSync(path);
  open().close();
});

test('a database belongs to the cluster and namespace of its first start', () => {
  const store = open();
  store.bindCluster({ clusterId: 'one', namespace: 'jobs' });
  store.bindCluster({ clusterId: 'one', namespace: 'jobs' });
  const elsewhere = expect.objectContaining({ code: 'conflict' });
  expect(() => store.bindCluster({ clusterId: 'two', namespace: 'jobs' })).toThrow(elsewhere);
  expect(() => store.bindCluster({ clusterId: 'one', namespace: 'other' })).toThrow(elsewhere);
  store.close();
});
