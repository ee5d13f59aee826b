import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AppError } from '../../src/core/app-error.ts';
import { jobIdLabel } from '../../src/core/labels.ts';
import { sendJson, sendStatus } from '../kube/fake-api.ts';
import { openDispatchStage } from './dispatch-stage.ts';
import type { DispatchStage } from './dispatch-stage.ts';
import { fullQuota, lostAnswer } from './scripted-cluster.ts';

let stage: DispatchStage;
let store: DispatchStage['store'];
let cluster: DispatchStage['cluster'];

beforeEach(async () => {
  stage = await openDispatchStage();
  ({ store, cluster } = stage);
});

afterEach(() => stage.close());

test('an accepted job becomes a Job under the name that was drawn for it', async () => {
  const id = await stage.accept();
  expect(await stage.startDispatcher().run()).toEqual({ started: 1 });
  const { state, kubernetes } = stage.get(id);
  expect(state).toBe('CREATED');
  expect(cluster.jobs.get(kubernetes.name)).toMatchObject({
    uid: kubernetes.uid,
    labels: { [jobIdLabel]: id },
  });
  expect(await stage.startDispatcher().run()).toEqual({ started: 0 });
});

test.each([
  ['before the Job was made', 'before'],
  ['after the Job was made', 'after'],
] as const)('an answer that was lost %s leads to one Job', async (_how, when) => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext(
    { when, answer: lostAnswer },
    { when, answer: (response) => sendStatus(response, 500, 'InternalError') },
  );
  await dispatcher.run();
  expect(stage.get(id).state).toBe('QUEUED');
  expect(await dispatcher.run()).toEqual({ started: 0 });
  stage.pass(5);
  await dispatcher.run();
  stage.pass(5);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({
    state: 'CREATED',
    kubernetes: { uid: cluster.jobs.get(stage.get(id).kubernetes.name)?.uid },
  });
  expect(new Set(cluster.creates.map(({ name }) => name))).toEqual(new Set([stage.get(id).kubernetes.name]));
  expect(cluster.jobs.size).toBe(1);
});

test('what an earlier life of the process had claimed is created under the same name', async () => {
  const id = await stage.accept();
  store.claimDispatch(id);
  await stage.startDispatcher().run();
  expect([...cluster.jobs.keys()]).toEqual([stage.get(id).kubernetes.name]);
});

test('a create whose answer was lost longer ago than the TTL is not repeated, and the Job that is there is taken', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  cluster.failNext({ when: 'after', answer: lostAnswer });
  await stage.startDispatcher().run();
  stage.pass(61);
  await stage.startDispatcher().run();
  expect(stage.get(id).state).toBe('CREATED');
  expect(cluster.creates).toHaveLength(1);
});

test('a Job that is not there after its TTL is lost, once it cannot arrive late any more, and never runs twice', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  cluster.failNext({ when: 'after', answer: lostAnswer });
  await stage.startDispatcher().run();
  cluster.jobs.clear();
  stage.pass(61);
  const next = stage.startDispatcher();
  await next.run();
  expect(stage.get(id).state).toBe('QUEUED');
  stage.pass(61);
  await next.run();
  expect(stage.get(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown' });
  expect(cluster.creates).toHaveLength(1);
});

test('a Job that the store could not record is not made again, however long the disk is full', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  let isFull = true;
  const dispatcher = stage.startDispatcher(100, {
    settleCreated: (jobId, created) => {
      if (isFull) throw new AppError('unavailable', 'The database cannot be written at the moment.');
      store.settleCreated(jobId, created);
    },
  });
  await dispatcher.run();
  const uid = cluster.jobs.get(stage.get(id).kubernetes.name)?.uid;
  cluster.jobs.clear();
  for (let n = 0; n < 5; n += 1) {
    stage.pass(60);
    await dispatcher.run();
  }
  isFull = false;
  stage.pass(60);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid } });
  expect(cluster.creates).toHaveLength(1);
});

test('a create that was answered with what cannot be read is not repeated beyond the TTL', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'after', answer: (response) => sendJson(response, 201, { kind: 'Surprise' }) });
  await dispatcher.run();
  cluster.jobs.clear();
  stage.pass(61);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'LOST' });
  expect(cluster.creates).toHaveLength(1);
});

test('a new name for a taken one begins with no try, so that a cancel ends the job at once', async () => {
  const id = await stage.accept();
  cluster.jobs.set(stage.get(id).kubernetes.name, { uid: 'theirs', labels: {}, suspend: false });
  const dispatcher = stage.startDispatcher();
  await dispatcher.run();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
});

test('an API server that is not ready has few jobs exposed to it, and gets all of them in the end', async () => {
  const ids = await Promise.all(
    Array.from({ length: 30 }, () => stage.accept({ ttlSecondsAfterFinished: 60 })),
  );
  const dispatcher = stage.startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 503, 'ServiceUnavailable', { message: 'no leader' }),
  });
  await dispatcher.run();
  expect(store.countInCluster()).toBe(8);
  expect(dispatcher.hold()).toMatchObject({
    reason: 'ClusterUnreachable',
    explanation: 'The cluster gave no clear answer to a create: no leader.',
  });
  for (let second = 0; second < 10; second += 1) {
    stage.pass(1);
    await dispatcher.run();
  }
  expect(store.countInCluster()).toBeLessThanOrEqual(12);
  cluster.failAll(null);
  for (let n = 0; n < 10; n += 1) {
    stage.pass(10);
    await dispatcher.run();
  }
  const states = ids.map((id) => stage.get(id).state);
  expect(states.filter((state) => state === 'CREATED').length).toBeGreaterThanOrEqual(30 - 12);
  expect(states).not.toContain('QUEUED');
});

test('a create that was refused for want of room may be tried for longer than the TTL', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  const dispatcher = stage.startDispatcher();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  stage.pass(600);
  cluster.failAll(null);
  await dispatcher.run();
  expect(stage.get(id).state).toBe('CREATED');
});

test("somebody else's object is left alone, and the job gets a new name", async () => {
  const id = await stage.accept();
  const first = stage.get(id).kubernetes.name;
  cluster.jobs.set(first, { uid: 'theirs', labels: {}, suspend: false });
  const dispatcher = stage.startDispatcher();
  await dispatcher.run();
  await dispatcher.run();
  const { state, kubernetes } = stage.get(id);
  expect(state).toBe('CREATED');
  expect(kubernetes.name).not.toBe(first);
  expect(kubernetes.name).toMatch(/^a-job-[a-z0-9]{10}$/);
  expect(cluster.jobs.get(first)?.uid).toBe('theirs');
});

const deny = (response: ServerResponse) =>
  sendStatus(response, 422, 'Invalid', { message: 'policy says no' });

test('a refusal is not believed while an earlier try may still arrive', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'before', answer: lostAnswer }, { when: 'before', answer: deny });
  await dispatcher.run();
  stage.pass(5);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'QUEUED', reason: 'Invalid', explanation: 'policy says no' });
  // Should it arrive, the watch will tell: nobody asks again until it no longer can.
  for (let n = 0; n < 5; n += 1) {
    stage.pass(5);
    await dispatcher.run();
  }
  expect(cluster.looks()).toBe(1);
  const { name } = stage.get(id).kubernetes;
  cluster.jobs.set(name, { uid: 'late', labels: { [jobIdLabel]: id }, suspend: false });
  cluster.failAll({ when: 'before', answer: deny });
  stage.pass(61);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid: 'late' } });
});

test('a refusal after a try that never arrived fails the job in the end', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'before', answer: lostAnswer });
  await dispatcher.run();
  cluster.failAll({ when: 'before', answer: deny });
  for (let n = 0; n < 4; n += 1) {
    stage.pass(61);
    await dispatcher.run();
  }
  expect(stage.get(id)).toMatchObject({ state: 'FAILED', reason: 'Invalid' });
  expect(cluster.jobs.size).toBe(0);
});

test('a refusal that comes too late to be believed is told with the loss', async () => {
  const id = await stage.accept({ ttlSecondsAfterFinished: 60 });
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'before', answer: lostAnswer }, { when: 'before', answer: deny });
  await dispatcher.run();
  stage.pass(5);
  await dispatcher.run();
  stage.pass(61);
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({
    state: 'LOST',
    explanation: expect.stringContaining('policy says no'),
  });
});

test('too many requests said in plain text are no try that may have arrived', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => stage.accept({ ttlSecondsAfterFinished: 60 })),
  );
  const dispatcher = stage.startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) =>
      void response
        .writeHead(429, { 'content-type': 'text/plain', 'retry-after': '1' })
        .end('Too many requests, please try again later.\n'),
  });
  for (let n = 0; n < 40; n += 1) {
    stage.pass(3);
    await dispatcher.run();
  }
  expect(dispatcher.hold()).toMatchObject({ reason: 'TooManyRequests' });
  expect(store.countInCluster()).toBe(0);
  cluster.failAll(null);
  for (let n = 0; n < 10; n += 1) {
    stage.pass(10);
    await dispatcher.run();
  }
  expect(new Set(ids.map((id) => stage.get(id).state))).toEqual(new Set(['CREATED']));
});

test('an admission refusal fails the job with the words of the cluster', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'policy says no' }),
  });
  await dispatcher.run();
  expect(stage.get(id)).toMatchObject({
    state: 'FAILED',
    reason: 'Forbidden',
    explanation: expect.stringContaining('policy says no'),
  });
  expect(dispatcher.hold()).toBeNull();
});

test('an invalid Job fails with the words of the cluster', async () => {
  const id = await stage.accept();
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 422, 'Invalid', { message: 'spec.template: Invalid value' }),
  });
  await stage.startDispatcher().run();
  expect(stage.get(id)).toMatchObject({ state: 'FAILED', reason: 'Invalid' });
});

test('a queued job that was cancelled never reaches the cluster', async () => {
  const id = await stage.accept();
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
  expect(await stage.startDispatcher().run()).toEqual({ started: 0 });
  expect(cluster.creates).toEqual([]);
});

test('a job that was cancelled before its create was settled is made suspended, so that nothing runs', async () => {
  const id = await stage.accept();
  const dispatcher = stage.startDispatcher();
  cluster.failNext({ when: 'before', answer: lostAnswer });
  await dispatcher.run();
  expect(store.requestCancel(id, 'User')).toBe('requested');
  stage.pass(5);
  await dispatcher.run();
  expect(cluster.creates.map(({ suspend }) => suspend)).toEqual([false, true]);
  expect(store.listCancelsToCarryOut()).toMatchObject([
    { id, uid: cluster.jobs.get(stage.get(id).kubernetes.name)?.uid },
  ]);
});
