import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const by = { name: 'ada', address: '192.0.2.1' };
let stage: Stage;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

test('an entry stays as it was written', () => {
  stage.store.noteAction({ by, action: 'submit', target: 'job-1' });
  const [entry] = stage.store.listAudit({ after: 0, limit: 10 });
  expect(entry).toEqual({
    seq: 1,
    at: stage.clock().toISOString(),
    principal: 'ada',
    action: 'submit',
    target: 'job-1',
    outcome: 'done',
    address: '192.0.2.1',
  });
  const db = new Database(stage.path);
  expect(() => db.exec("UPDATE audit SET principal = 'eve'")).toThrow('is not changed');
  const replace =
    "INSERT OR REPLACE INTO audit SELECT seq, at, 'eve', action, target, outcome, address FROM audit";
  expect(() => db.exec(replace)).toThrow('is not changed');
  db.close();
  expect(stage.store.listAudit({ after: 0, limit: 10 })).toEqual([entry]);
});

test('a number is never used twice, also when the newest entries were removed', () => {
  stage.store.noteAction({ by, action: 'submit', target: 'job-1' });
  stage.advance(1);
  expect(stage.store.removeOldAudit({ madeBefore: stage.clock().toISOString() })).toEqual({ entries: 1 });
  stage.store.noteAction({ by, action: 'cancel', target: 'job-1' });
  expect(stage.store.listAudit({ after: 0, limit: 10 }).map(({ seq }) => seq)).toEqual([2]);
});

test('old entries go in bites', () => {
  for (let nth = 0; nth < 150; nth += 1) stage.store.noteAction({ by, action: 'login', target: null });
  stage.advance(1);
  stage.store.noteAction({ by, action: 'logout', target: null });
  const remove = () => stage.store.removeOldAudit({ madeBefore: stage.clock().toISOString() }).entries;
  expect([remove(), remove(), remove()]).toEqual([100, 50, 0]);
  expect(stage.store.listAudit({ after: 0, limit: 10 }).map(({ action }) => action)).toEqual(['logout']);
});
