import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { jobIdLabel } from '../../src/core/labels.ts';
import { sendStatus } from '../kube/fake-api.ts';
import { openDispatchStage } from './dispatch-stage.ts';
import type { DispatchStage } from './dispatch-stage.ts';
import { fullQuota } from './scripted-cluster.ts';

let stage: DispatchStage;
let store: DispatchStage['store'];
let cluster: DispatchStage['cluster'];

beforeEach(async () => {
  stage = await openDispatchStage();
  ({ store, cluster } = stage);
});

afterEach(() => stage.close());

test('a full quota keeps jobs queued, with the reason, and all are created in the end', async () => {
  const ids = [await stage.accept(), await stage.accept(), await stage.accept()];
  const dispatcher = stage.startDispatcher();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  expect(stage.get(ids[0] ?? '')).toMatchObject({
    state: 'QUEUED',
    reason: 'QuotaExceeded',
    explanation: expect.stringContaining('exceeded quota: jobs'),
  });
  expect(dispatcher.hold()).toMatchObject({ reason: 'QuotaExceeded' });
  expect(await dispatcher.run()).toEqual({ started: 0 });
  stage.pass(61);
  // One goes first, to see.
  expect(await dispatcher.run()).toEqual({ started: 1 });
  cluster.failAll(null);
  stage.pass(61);
  expect(await dispatcher.run()).toEqual({ started: 1 });
  expect(await dispatcher.run()).toEqual({ started: 2 });
  expect(ids.map((id) => stage.get(id).state)).toEqual(['CREATED', 'CREATED', 'CREATED']);
  expect(stage.get(ids[0] ?? '').reason).toBeNull();
  expect(dispatcher.hold()).toBeNull();
});

test('a job that waits for room gives its place back, and a cancel ends it at once', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(0);
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
});

test('a race for the quota is tried again, with nothing lost', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'before', answer: (response) => sendStatus(response, 409, 'Conflict') });
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'QUEUED', reason: 'QuotaConflict' });
  stage.pass(2.1);
  await dispatcher.run();
  expect(stage.get(id).state).toBe('CREATED');
});

test('an admission policy that has lost its parameters fails no job: all wait, and are created once it is whole', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  const message =
    "jobs.batch is forbidden: ValidatingAdmissionPolicy 'jobspawn-jobs' with binding 'jobspawn-jobs' denied request: failed to configure binding: no params found";
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 422, 'Invalid', { message }),
  });
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({
    state: 'QUEUED',
    reason: 'PolicyFault',
    explanation: expect.stringContaining('no params found'),
  });
  expect(dispatcher.hold()).toMatchObject({ reason: 'PolicyFault' });
  stage.pass(61);
  await dispatcher.run();
  expect(stage.get(id).state).toBe('CREATED');
});

test('too many requests hold every create for as long as the cluster asks', async () => {
  await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 429, 'TooManyRequests', { headers: { 'retry-after': '7' } }),
  });
  await dispatcher.run();
  await stage.accept();
  stage.pass(6.9);
  expect(await dispatcher.run()).toEqual({ started: 0 });
  stage.pass(0.2);
  expect(await dispatcher.run()).toEqual({ started: 1 });
});

test('a want of rights stops dispatch, and is not blamed on the job', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.grant(false);
  cluster.failAll({
    when: 'before',
    answer: (response) =>
      sendStatus(response, 403, 'Forbidden', { message: 'cannot create resource "jobs"' }),
  });
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'QUEUED', reason: 'Forbidden' });
  expect(dispatcher.hold()?.explanation).toContain('cannot create resource');
});

test('a right that comes while we ask for it costs no job', async () => {
  const id = await stage.accept();
  cluster.failNext({
    when: 'before',
    answer: (response) =>
      sendStatus(response, 403, 'Forbidden', { message: 'cannot create resource "jobs"' }),
  });
  await stage.startDispatcher().run();
  expect(stage.get(id).state).toBe('CREATED');
});

test('a missing namespace keeps jobs queued, with the reason', async () => {
  const id = await stage.accept();
  cluster.failNext({ when: 'before', answer: (response) => sendStatus(response, 404, 'NotFound') });
  await stage.startDispatcher().run();
  expect(stage.get(id)).toMatchObject({ state: 'QUEUED', reason: 'NamespaceMissing' });
});

test('no more jobs than allowed are in the cluster at once', async () => {
  const ids = [await stage.accept(), await stage.accept(), await stage.accept()];
  const dispatcher = stage.startDispatcher(2);
  expect(await dispatcher.run()).toEqual({ started: 2 });
  expect(await dispatcher.run()).toEqual({ started: 0 });
  expect(ids.map((id) => stage.get(id).state)).toEqual(['CREATED', 'CREATED', 'QUEUED']);
});

test('of a restored queue, all of it claimed, no more is sent than there are places; what was never sent waits again', async () => {
  const ids = [await stage.accept(), await stage.accept(), await stage.accept(), await stage.accept()];
  for (const id of ids) store.claimDispatch(id);
  const [, , there] = ids;
  cluster.jobs.set(stage.get(there ?? '').kubernetes.name, {
    uid: 'ours',
    labels: { [jobIdLabel]: there ?? '' },
    suspend: false,
  });
  const dispatcher = stage.startDispatcher(1);
  await dispatcher.run();
  const states = () => ids.map((id) => stage.get(id).state);
  expect(states()).toEqual(['CREATED', 'QUEUED', 'CREATED', 'QUEUED']);
  stage.pass(30);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(4);
  stage.pass(61);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(2);
  expect(states()).toEqual(['CREATED', 'QUEUED', 'CREATED', 'QUEUED']);
  expect(cluster.creates).toHaveLength(1);
  await stage.startDispatcher(4).run();
  expect(states()).toEqual(['CREATED', 'CREATED', 'CREATED', 'CREATED']);
});

test('a hold is over when nothing waits for its end any more', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext(fullQuota);
  await dispatcher.run();
  store.requestCancel(id, 'User');
  await dispatcher.run();
  expect(dispatcher.hold()?.reason).toBe('QuotaExceeded');
  stage.pass(120);
  await dispatcher.run();
  expect(dispatcher.hold()).toBeNull();
});

test('a hold goes on where the one that was to try its end is cancelled, and others wait', async () => {
  const [first] = [await stage.accept(), await stage.accept()];
  const dispatcher = stage.startDispatcher();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  stage.pass(61);
  const [counts] = await Promise.all([
    dispatcher.run(),
    store.groupCommit(() => store.requestCancel(first, 'User')),
  ]);
  expect(counts).toEqual({ started: 0 });
  expect(dispatcher.hold()?.reason).toBe('QuotaExceeded');
  expect(await dispatcher.run()).toEqual({ started: 1 });
});

test('a job of a higher priority goes first', async () => {
  const [low, high] = [await stage.accept({ priority: -1 }), await stage.accept({ priority: 5 })];
  await stage.startDispatcher(1).run();
  expect([stage.get(low).state, stage.get(high).state]).toEqual(['QUEUED', 'CREATED']);
});
