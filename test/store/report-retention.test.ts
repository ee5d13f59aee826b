import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { exitedPod, failedJob } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
let db: Database.Database;

beforeEach(() => {
  stage = openStage();
  db = new Database(stage.path, { readonly: true });
});

afterEach(() => {
  db.close();
  stage.close();
});

const limits = { endedBefore: '2027-01-01T00:00:00.000Z', most: 1_000_000 };
const valuesOf = (sql: string) => db.prepare(sql).pluck().all();
const count = (table: string) => Number(valuesOf(`SELECT count(*) FROM ${table}`)[0]);

function removeEvents(): void {
  while (stage.store.removeOldEvents(limits).rows > 0);
}

const say = (id: string, status: string, more: object = {}) =>
  stage.store.addReport({ 'job-id': id, status, ...more });

/** Ended as FAILED, and out of the cluster. */
function fail(id: string): void {
  stage.store.observeJob(id, failedJob());
  stage.store.markJobGone(id, 'job-uid');
}

test('of the reports of a job whose history is removed, those stay that the job shows, and the first', () => {
  const id = stage.create();
  for (let nth = 0; nth < 501; nth += 1) say(id, `word ${nth}`);
  fail(id);
  const before = stage.store.findJob(id);
  removeEvents();
  expect(stage.store.findJob(id)).toEqual(before);
  expect(stage.store.findJob(id)?.reports).toHaveLength(200);
  expect([count('reports'), count('job_events')]).toEqual([201, 0]);
  expect(stage.store.wasHeard(id)).toBe(true);
});

test('of the reports of a job whose history is removed, an ERROR that was repeated stays once for its pod, and once for all that no pod is known of', () => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(1, { uid: 'seen' }));
  for (let nth = 0; nth < 40; nth += 1) {
    say(id, 'ERROR', { 'pod-uid': 'seen' });
    say(id, 'ERROR', { 'pod-uid': `unseen-${nth}` });
    say(id, 'ERROR');
  }
  for (let nth = 0; nth < 200; nth += 1) say(id, `word ${nth}`);
  stage.store.markPodGone(id, 'seen');
  fail(id);
  removeEvents();
  expect(valuesOf('SELECT pod_uid FROM reports WHERE terminal IS NOT NULL ORDER BY seq')).toEqual([
    'seen',
    null,
  ]);
});

test('of the reports of a job whose history is removed, those that contradict its end go, but for the newest', () => {
  const id = stage.create();
  for (let nth = 0; nth < 201; nth += 1) say(id, `word ${nth}`);
  fail(id);
  for (let nth = 0; nth < 150; nth += 1) say(id, 'SUCCESS', { message: `${nth}` });
  const before = stage.store.findJob(id);
  const evidence = stage.store.reportEvidence();
  removeEvents();
  expect(stage.store.findJob(id)).toEqual(before);
  expect(stage.store.reportEvidence()).toEqual(evidence);
  expect(valuesOf('SELECT message FROM reports WHERE contradicts = 1')).toEqual(['149']);
});

test('of the reports of a job whose history is removed, all of a job that has not ended, or is still in the cluster, stay', () => {
  const id = stage.create();
  for (let nth = 0; nth < 210; nth += 1) say(id, `word ${nth}`);
  removeEvents();
  stage.store.observeJob(id, failedJob());
  removeEvents();
  expect(count('reports')).toBe(210);
});

test('of the reports of a job whose history is removed, no more than a hundred are looked at in one bite, also where each is the latest of its task, and a restart loses nothing', () => {
  const tasks = 250;
  const id = stage.create({ spec: { completions: tasks, completionMode: 'Indexed' } });
  for (let task = 0; task < tasks; task += 1) say(id, 'Working', { task });
  for (let nth = 0; nth < 300; nth += 1) say(id, `word ${nth}`);
  fail(id);
  const before = stage.store.findJob(id);
  const events = count('job_events');
  let [bites, looked] = [0, 0];
  for (;;) {
    const { rows } = stage.store.removeOldEvents(limits);
    if (rows === 0) break;
    expect(rows).toBeLessThanOrEqual(100);
    [bites, looked] = [bites + 1, looked + rows];
    if (bites === 2) stage.reopen();
    expect(stage.store.findJob(id)).toEqual(before);
  }
  // All but the first and the page, of which two bites were repeated; the history; and the mark.
  expect(looked).toBe(349 + 200 + events + 1);
  expect(count('reports')).toBe(tasks + 200);
  expect(db.pragma('foreign_key_check')).toEqual([]);
});
