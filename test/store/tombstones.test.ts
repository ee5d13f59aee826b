import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { newJob, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const later = '2027-01-01T00:00:00.000Z';

/** Ended, and removed as an old job is. */
function remove(id: string): void {
  stage.store.requestCancel(id, 'User');
  stage.store.removeEndedJobs({ endedBefore: later, most: 1_000_000 });
  expect(stage.store.findJob(id)).toBeUndefined();
}

function forget(acceptedBefore = later): { tombstones: number; bites: number } {
  let [tombstones, bites] = [0, 0];
  for (;;) {
    const removed = stage.store.removeOldTombstones({ acceptedBefore });
    if (removed.rows === 0) return { tombstones, bites };
    tombstones += removed.tombstones;
    bites += 1;
  }
}

function count(table: string): unknown {
  const db = new Database(stage.path, { readonly: true });
  const rows = db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  db.close();
  return rows;
}

test('a repeat with the key of a removed job gets that job again, and starts nothing', () => {
  const asked = newJob({ id: 'drawn-1', idGiven: false, idempotencyKey: 'key' });
  stage.store.acceptJob(asked);
  stage.store.requestCancel('drawn-1', 'User');
  const before = stage.store.findJob('drawn-1');
  remove('drawn-1');
  stage.reopen();
  expect(stage.store.acceptJob({ ...asked, id: 'drawn-2' })).toEqual({ kind: 'same', job: before });
  expect(stage.store.listJobs({ limit: 10 }).jobs).toEqual([]);
});

test('a repeat with the id that the client gave gets the removed job again, and starts nothing', () => {
  stage.accept({ id: 'mine' });
  remove('mine');
  expect(stage.store.acceptJob(newJob({ id: 'mine' }))).toMatchObject({
    kind: 'same',
    job: { id: 'mine', state: 'CANCELLED', tasks: [], reports: [], conditions: [] },
  });
  expect(stage.store.findJob('mine')).toBeUndefined();
});

test('another request under the key or the id of a removed job is a conflict', () => {
  stage.accept({ id: 'mine', idempotencyKey: 'key' });
  remove('mine');
  const other = newJob({ id: 'mine', requestHash: 'other' });
  expect(stage.store.acceptJob(other)).toEqual({ kind: 'conflict', by: 'id' });
  expect(stage.store.acceptJob({ ...other, id: 'drawn', idempotencyKey: 'key' })).toEqual({
    kind: 'conflict',
    by: 'key',
  });
});

test('a key that comes with the id of a removed job is remembered for it too', () => {
  stage.accept({ id: 'mine' });
  remove('mine');
  stage.store.acceptJob(newJob({ id: 'mine', idempotencyKey: 'key' }));
  expect(stage.store.acceptJob(newJob({ id: 'drawn', idempotencyKey: 'key' }))).toMatchObject({
    kind: 'same',
    job: { id: 'mine' },
  });
});

test('of a job without a key, whose id was drawn, nothing is left', () => {
  stage.accept({ id: 'drawn', idGiven: false });
  remove('drawn');
  expect(count('tombstones')).toBe(0);
});

test('keys and ids are free again once they were kept long enough', () => {
  stage.accept({ id: 'old', idempotencyKey: 'old-key' });
  stage.advance(60_000);
  const acceptedBefore = stage.clock().toISOString();
  stage.accept({ id: 'new', idempotencyKey: 'new-key', kubernetesName: 'report-new' });
  remove('old');
  remove('new');
  expect(forget(acceptedBefore)).toMatchObject({ tombstones: 1 });
  expect(stage.store.acceptJob(newJob({ id: 'old', idempotencyKey: 'old-key' })).kind).toBe('accepted');
  expect(stage.store.acceptJob(newJob({ id: 'new', idempotencyKey: 'new-key' })).kind).toBe('same');
});

test('the key of a job that is still there is kept, however old it is', () => {
  stage.accept({ id: 'mine', idempotencyKey: 'key' });
  expect(forget()).toMatchObject({ tombstones: 0 });
  expect(stage.store.acceptJob(newJob({ id: 'drawn', idempotencyKey: 'key' })).kind).toBe('same');
});

test('a job that was asked for with hundreds of keys is forgotten in bites, and never leads nowhere', () => {
  stage.accept({ id: 'mine' });
  for (let nth = 0; nth < 250; nth += 1)
    stage.store.acceptJob(newJob({ id: 'mine', idempotencyKey: `key-${nth}` }));
  remove('mine');
  stage.store.removeOldTombstones({ acceptedBefore: later });
  expect(count('idempotency_keys')).toBe(150);
  for (let nth = 0; nth < 250; nth += 1) {
    const id = `drawn-${nth}`;
    stage.store.acceptJob(newJob({ id, kubernetesName: id, generateName: '', idempotencyKey: `key-${nth}` }));
  }
  expect(forget().tombstones).toBe(1);
});
