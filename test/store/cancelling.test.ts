import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { completeJob, exitedPod, failedJob, runningPod, seenJob } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

test('cancel of a queued job never reaches the cluster', () => {
  const id = stage.accept();
  expect(stage.store.requestCancel(id, 'User')).toBe('cancelled');
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'CANCELLED',
    startedAt: null,
    finishedAt: stage.clock().toISOString(),
  });
  expect(stage.store.claimDispatch(id)).toBe(false);
  expect(stage.store.listCancelsToCarryOut()).toEqual([]);
  expect(stage.history(id)).toEqual(['state:QUEUED', 'cancel:QUEUED', 'state:CANCELLED']);
});

test('cancel of a claimed job waits for the create, then asks for a deletion by uid', () => {
  const id = stage.accept();
  stage.store.claimDispatch(id);
  expect(stage.store.requestCancel(id, 'User')).toBe('requested');
  expect(stage.store.listCancelsToCarryOut()).toEqual([]);
  expect(stage.store.nextToDispatch(1)).toMatchObject([{ id, cancelRequested: true }]);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  expect(stage.store.listCancelsToCarryOut()).toEqual([
    { id, namespace: 'jobs', kubernetesName: 'report-bcdfghjklm', uid: 'job-uid' },
  ]);
});

test('a cancelled job is final when the Job and its pods are gone', () => {
  const id = stage.create();
  stage.store.observeJob(id, seenJob());
  stage.store.observePod(id, runningPod());
  stage.store.requestCancel(id, 'User');
  stage.store.markJobGone(id, 'job-uid');
  expect(stage.store.findJob(id)?.state).toBe('RUNNING');
  expect(stage.store.listCancelsToCarryOut()).toEqual([]);
  stage.store.markPodGone(id, 'pod-uid');
  expect(stage.store.findJob(id)).toMatchObject({ state: 'CANCELLED', reason: 'Cancelled' });
});

test('a job that completes before the deletion has succeeded', () => {
  const id = stage.create();
  stage.store.requestCancel(id, 'User');
  stage.store.observeJob(id, completeJob());
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'SUCCEEDED',
    cancelRequestedAt: stage.clock().toISOString(),
  });
});

test('asking twice is one request', () => {
  const id = stage.create();
  stage.store.requestCancel(id, 'User');
  stage.advance(1000);
  expect(stage.store.requestCancel(id, 'User')).toBe('requested');
  expect(stage.store.findJob(id)?.cancelRequestedAt).toBe('2026-01-01T10:00:00.500Z');
  expect(stage.history(id).filter((word) => word.startsWith('cancel'))).toHaveLength(1);
});

test('what has ended cannot be cancelled, and what is cancelled is', () => {
  const id = stage.create();
  stage.store.observeJob(id, failedJob());
  expect(stage.store.requestCancel(id, 'User')).toBe('ended');
  const queued = stage.accept({ id: 'queued' });
  stage.store.requestCancel(queued, 'User');
  expect(stage.store.requestCancel(queued, 'User')).toBe('already-cancelled');
  expect(stage.store.requestCancel('nobody', 'User')).toBe('unknown-job');
});

test('a start deadline ends FAILED with its own reason', () => {
  const id = stage.create();
  expect(stage.store.requestCancel(id, 'StartDeadline')).toBe('requested');
  stage.store.markJobGone(id, 'job-uid');
  expect(stage.store.findJob(id)).toMatchObject({ state: 'FAILED', reason: 'StartDeadline' });
});

test('a person’s wish outranks the start deadline, whichever came first', () => {
  for (const causes of [['User', 'StartDeadline'] as const, ['StartDeadline', 'User'] as const]) {
    const id = stage.create({ id: causes.join('-') });
    for (const cause of causes) expect(stage.store.requestCancel(id, cause)).toBe('requested');
    stage.store.markJobGone(id, 'job-uid');
    expect(stage.store.findJob(id)?.state).toBe('CANCELLED');
  }
});

test('a claim that is given back lets a cancel end the job at once', () => {
  const id = stage.accept();
  stage.store.claimDispatch(id);
  stage.store.requestCancel(id, 'User');
  stage.store.releaseClaim(id);
  expect(stage.store.findJob(id)?.state).toBe('CANCELLED');
  expect(stage.store.countInCluster()).toBe(0);
});

test('a pod that exits 0 because it was told to stop is no success', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  stage.store.requestCancel(id, 'User');
  stage.store.observePod(id, runningPod({ deletedAt: '2026-01-01T10:00:35Z' }));
  stage.store.observePod(id, exitedPod(0, { deletedAt: '2026-01-01T10:00:35Z' }));
  stage.store.markPodGone(id, 'pod-uid');
  stage.store.markJobGone(id, 'job-uid');
  expect(stage.store.findJob(id)?.state).toBe('CANCELLED');
});
