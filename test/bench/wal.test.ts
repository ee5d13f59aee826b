import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from '@jest/globals';
import { readWal } from '../../bench/wal.ts';

const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-test-'));
const path = join(dir, 'some.db');
const db = new Database(path);
db.pragma('journal_mode = WAL');
db.exec('CREATE TABLE words (word TEXT)');
afterAll(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

const say = (word: string) => db.prepare('INSERT INTO words VALUES (?)').run(word);

test('each transaction in a write-ahead log counts once, however many rows it has', () => {
  db.pragma('wal_checkpoint(TRUNCATE)');
  expect(readWal(`${path}-wal`)).toEqual({ commits: 0, bytes: 0 });
  say('alone');
  db.transaction(() => Array.from({ length: 2000 }, () => say('one of many')))();
  expect(readWal(`${path}-wal`)).toEqual({ commits: 2, bytes: statSync(`${path}-wal`).size });
});

test('what is left of an earlier round of the log does not count', () => {
  db.pragma('wal_checkpoint(RESTART)');
  say('anew');
  const { commits, bytes } = readWal(`${path}-wal`);
  expect(commits).toBe(1);
  expect(bytes).toBeLessThan(statSync(`${path}-wal`).size);
});
