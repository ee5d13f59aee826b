import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTryStore } from '../../src/store/try-store.ts';
import { openStage, silent } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

function say(name: string): string {
  const id = stage.create({ id: name });
  stage.store.addReport({ 'job-id': id, status: 'SUCCESS' });
  return id;
}

/** A job whose worker could leave its last word in the termination message alone. */
function lose(name: string): string {
  const id = stage.create({ id: name });
  const at = stage.clock().toISOString();
  stage.store.observePod(id, {
    uid: `pod-of-${name}`,
    name: `pod-of-${name}`,
    jobName: 'a-job',
    jobUid: 'job-uid',
    index: 0,
    phase: 'Succeeded',
    createdAt: at,
    startedAt: at,
    finishedAt: at,
    exitCode: 0,
    restarts: 0,
    reason: null,
    message: null,
    terminationMessage: JSON.stringify({ status: 'SUCCESS' }),
    deletedAt: null,
    orphaned: false,
  });
  return id;
}

test('before any report there is no evidence', () => {
  expect(stage.store.reportEvidence()).toEqual({ heardAt: null, lost: 0, lostJobId: null });
});

test('the newest report over HTTP counts, and what was lost since', () => {
  lose('one');
  const heardAt = stage.clock().toISOString();
  const heard = say('heard');
  expect(stage.store.reportEvidence()).toEqual({ heardAt, lost: 0, lostJobId: null });
  stage.advance(5000);
  lose('two');
  const last = lose('three');
  expect(stage.store.reportEvidence()).toEqual({ heardAt, lost: 2, lostJobId: last });
  expect([stage.store.wasHeard(heard), stage.store.wasHeard(last)]).toEqual([true, false]);
});

test('beside the service the same is seen, and where its jobs are', () => {
  const id = say('heard');
  const beside = openTryStore({ path: stage.path, clock: stage.clock, log: silent });
  expect(beside.boundNamespace()).toBeNull();
  stage.store.bindCluster({ clusterId: 'c', namespace: 'jobs' });
  expect(beside.boundNamespace()).toBe('jobs');
  expect(beside.wasHeard(id)).toBe(true);
  beside.close();
});
