import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newJob, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

test('an accepted job is QUEUED, with the first entry of its history', () => {
  const outcome = stage.store.acceptJob(newJob({ name: 'Bericht für März' }));
  expect(outcome).toMatchObject({
    kind: 'accepted',
    job: {
      id: 'job-1',
      name: 'Bericht für März',
      state: 'QUEUED',
      createdAt: '2026-01-01T10:00:00.500Z',
      startedAt: null,
      finishedAt: null,
      kubernetes: { namespace: 'jobs', name: 'report-bcdfghjklm', uid: null, active: 0 },
      tasks: [],
      reports: [],
      conditions: [],
    },
  });
  expect(stage.history('job-1')).toEqual(['state:QUEUED']);
});

test('what is answered at once is what every later look shows', () => {
  const asked = newJob({ rerunOf: 'job-0', spec: { env: { A: 'b' }, completions: 3, priority: 7 } });
  const outcome = stage.store.acceptJob(asked);
  expect(outcome).toEqual({ kind: 'accepted', job: stage.store.findJob('job-1') });
  expect(outcome).toMatchObject({ job: { rerunOf: 'job-0', spec: asked.spec } });
});

test('the same id with the same request is the same job, and another request is a conflict', () => {
  stage.accept();
  expect(stage.store.acceptJob(newJob())).toMatchObject({ kind: 'same', job: { id: 'job-1' } });
  expect(stage.store.acceptJob(newJob({ requestHash: 'other' }))).toEqual({ kind: 'conflict', by: 'id' });
  expect(stage.history('job-1')).toEqual(['state:QUEUED']);
});

test('the same key with the same request is the job of the first time, whatever id was drawn since', () => {
  stage.accept({ idempotencyKey: 'key' });
  const again = newJob({ id: 'job-2', idempotencyKey: 'key' });
  expect(stage.store.acceptJob(again)).toMatchObject({ kind: 'same', job: { id: 'job-1' } });
  expect(stage.store.acceptJob({ ...again, requestHash: 'other' })).toEqual({ kind: 'conflict', by: 'key' });
  expect(stage.store.findJob('job-2')).toBeUndefined();
});

test('a key that comes later with a known id is remembered for that job', () => {
  stage.accept();
  stage.store.acceptJob(newJob({ idempotencyKey: 'key' }));
  expect(stage.store.acceptJob(newJob({ id: 'job-2', idempotencyKey: 'key' }))).toMatchObject({
    job: { id: 'job-1' },
  });
});

test('counts by state follow every change', () => {
  stage.accept();
  stage.accept({ id: 'job-2', kubernetesName: 'report-2' });
  stage.store.requestCancel('job-2', 'User');
  expect(stage.store.countStates()).toEqual({
    QUEUED: 1,
    CREATED: 0,
    RUNNING: 0,
    SUCCEEDED: 0,
    FAILED: 0,
    CANCELLED: 1,
    LOST: 0,
  });
});
