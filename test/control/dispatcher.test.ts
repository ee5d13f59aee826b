import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createDispatcher } from '../../src/control/dispatcher.ts';
import { createIntake } from '../../src/control/intake.ts';
import { AppError } from '../../src/core/app-error.ts';
import { jobIdLabel } from '../../src/core/labels.ts';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { sendJson, sendStatus } from '../kube/fake-api.ts';
import { lostAnswer, startScriptedCluster } from './scripted-cluster.ts';
import { anySpec } from '../support/any-spec.ts';

const log = pino({ level: 'silent' });
const random = (bytes: Uint8Array) => randomFillSync(bytes);

let dir: string;
let store: Store;
let cluster: Awaited<ReturnType<typeof startScriptedCluster>>;
let connection: Connection;
let stop: AbortController;
let now: number;

const clock = () => new Date(now);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'dispatcher-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  store = openStore({ path: join(dir, 'jobs.db'), clock, log });
  cluster = await startScriptedCluster();
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await cluster.close();
  store.close();
  rmSync(dir, { recursive: true });
});

/** A dispatcher as a new process would have it. */
function startDispatcher(maxActive = 100, overrides: Partial<Store> = {}) {
  const kube = createKube({ connection, namespace: 'jobs', log, clock });
  const tokens = { issue: (jobId: string) => `token-of-${jobId}` };
  const dispatcher = createDispatcher({
    store: { ...store, ...overrides },
    kube,
    tokens,
    callbackUrl: 'http://127.0.0.1:1',
    maxActive,
    log,
    clock,
    random,
    signal: stop.signal,
  });
  return {
    hold: dispatcher.hold,
    async run() {
      const counts = dispatcher.runOnce();
      await dispatcher.idle();
      return counts;
    },
  };
}

async function accept(request: Record<string, unknown> = {}): Promise<string> {
  const names = { workerImage: 'worker', namespace: 'jobs' };
  const intake = createIntake({ store, clock, random, ...names, specPolicy: anySpec, maxQueued: 1000 });
  const asked = jobRequestSchema.parse({ name: 'a job', ...request });
  return (await intake.accept(asked, { idempotencyKey: null })).job.id;
}

function get(id: string) {
  const job = store.findJob(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

function pass(seconds: number): void {
  now += seconds * 1000;
}

test('an accepted job becomes a Job under the name that was drawn for it', async () => {
  const id = await accept();
  expect(await startDispatcher().run()).toEqual({ started: 1 });
  const { state, kubernetes } = get(id);
  expect(state).toBe('CREATED');
  expect(cluster.jobs.get(kubernetes.name)).toMatchObject({
    uid: kubernetes.uid,
    labels: { [jobIdLabel]: id },
  });
  expect(await startDispatcher().run()).toEqual({ started: 0 });
});

test.each([
  ['before the Job was made', 'before'],
  ['after the Job was made', 'after'],
] as const)('an answer that was lost %s leads to one Job', async (_how, when) => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.failNext(
    { when, answer: lostAnswer },
    { when, answer: (response) => sendStatus(response, 500, 'InternalError') },
  );
  await dispatcher.run();
  expect(get(id).state).toBe('QUEUED');
  expect(await dispatcher.run()).toEqual({ started: 0 });
  pass(5);
  await dispatcher.run();
  pass(5);
  await dispatcher.run();
  expect(get(id)).toMatchObject({
    state: 'CREATED',
    kubernetes: { uid: cluster.jobs.get(get(id).kubernetes.name)?.uid },
  });
  expect(new Set(cluster.creates.map(({ name }) => name))).toEqual(new Set([get(id).kubernetes.name]));
  expect(cluster.jobs.size).toBe(1);
});

test('what an earlier life of the process had claimed is created under the same name', async () => {
  const id = await accept();
  store.claimDispatch(id);
  await startDispatcher().run();
  expect([...cluster.jobs.keys()]).toEqual([get(id).kubernetes.name]);
});

test('a create whose answer was lost longer ago than the TTL is not repeated, and the Job that is there is taken', async () => {
  const id = await accept({ ttlSecondsAfterFinished: 60 });
  cluster.failNext({ when: 'after', answer: lostAnswer });
  await startDispatcher().run();
  pass(61);
  await startDispatcher().run();
  expect(get(id).state).toBe('CREATED');
  expect(cluster.creates).toHaveLength(1);
});

test('a Job that is not there after its TTL is lost, once it cannot arrive late any more, and never runs twice', async () => {
  const id = await accept({ ttlSecondsAfterFinished: 60 });
  cluster.failNext({ when: 'after', answer: lostAnswer });
  await startDispatcher().run();
  cluster.jobs.clear();
  pass(61);
  const next = startDispatcher();
  await next.run();
  expect(get(id).state).toBe('QUEUED');
  pass(61);
  await next.run();
  expect(get(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown' });
  expect(cluster.creates).toHaveLength(1);
});

test('a Job that the store could not record is not made again, however long the disk is full', async () => {
  const id = await accept({ ttlSecondsAfterFinished: 60 });
  let isFull = true;
  const dispatcher = startDispatcher(100, {
    settleCreated: (jobId, created) => {
      if (isFull) throw new AppError('unavailable', 'The database cannot be written at the moment.');
      store.settleCreated(jobId, created);
    },
  });
  await dispatcher.run();
  const uid = cluster.jobs.get(get(id).kubernetes.name)?.uid;
  cluster.jobs.clear();
  for (let n = 0; n < 5; n += 1) {
    pass(60);
    await dispatcher.run();
  }
  isFull = false;
  pass(60);
  await dispatcher.run();
  expect(get(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid } });
  expect(cluster.creates).toHaveLength(1);
});

test('a create that was answered with what cannot be read is not repeated beyond the TTL', async () => {
  const id = await accept({ ttlSecondsAfterFinished: 60 });
  const dispatcher = startDispatcher();
  cluster.failNext({ when: 'after', answer: (response) => sendJson(response, 201, { kind: 'Surprise' }) });
  await dispatcher.run();
  cluster.jobs.clear();
  pass(61);
  await dispatcher.run();
  expect(get(id)).toMatchObject({ state: 'LOST' });
  expect(cluster.creates).toHaveLength(1);
});

test('a new name for a taken one begins with no try, so that a cancel ends the job at once', async () => {
  const id = await accept();
  cluster.jobs.set(get(id).kubernetes.name, { uid: 'theirs', labels: {}, suspend: false });
  const dispatcher = startDispatcher();
  await dispatcher.run();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'exceeded quota: jobs' }),
  });
  await dispatcher.run();
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
});

test('an API server that is not ready has few jobs exposed to it, and gets all of them in the end', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => accept({ ttlSecondsAfterFinished: 60 })));
  const dispatcher = startDispatcher();
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
    pass(1);
    await dispatcher.run();
  }
  expect(store.countInCluster()).toBeLessThanOrEqual(12);
  cluster.failAll(null);
  for (let n = 0; n < 10; n += 1) {
    pass(10);
    await dispatcher.run();
  }
  const states = ids.map((id) => get(id).state);
  expect(states.filter((state) => state === 'CREATED').length).toBeGreaterThanOrEqual(30 - 12);
  expect(states).not.toContain('QUEUED');
});

test('a create that was refused for want of room may be tried for longer than the TTL', async () => {
  const id = await accept({ ttlSecondsAfterFinished: 60 });
  const dispatcher = startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'exceeded quota: jobs' }),
  });
  await dispatcher.run();
  pass(600);
  cluster.failAll(null);
  await dispatcher.run();
  expect(get(id).state).toBe('CREATED');
});

test("somebody else's object is left alone, and the job gets a new name", async () => {
  const id = await accept();
  const first = get(id).kubernetes.name;
  cluster.jobs.set(first, { uid: 'theirs', labels: {}, suspend: false });
  const dispatcher = startDispatcher();
  await dispatcher.run();
  await dispatcher.run();
  const { state, kubernetes } = get(id);
  expect(state).toBe('CREATED');
  expect(kubernetes.name).not.toBe(first);
  expect(kubernetes.name).toMatch(/^a-job-[a-z0-9]{10}$/);
  expect(cluster.jobs.get(first)?.uid).toBe('theirs');
});

test('a full quota keeps jobs queued, with the reason, and all are created in the end', async () => {
  const ids = [await accept(), await accept(), await accept()];
  const dispatcher = startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'exceeded quota: jobs' }),
  });
  await dispatcher.run();
  expect(get(ids[0] ?? '')).toMatchObject({
    state: 'QUEUED',
    reason: 'QuotaExceeded',
    explanation: expect.stringContaining('exceeded quota: jobs'),
  });
  expect(dispatcher.hold()).toMatchObject({ reason: 'QuotaExceeded' });
  expect(await dispatcher.run()).toEqual({ started: 0 });
  pass(61);
  // One goes first, to see.
  expect(await dispatcher.run()).toEqual({ started: 1 });
  cluster.failAll(null);
  pass(61);
  expect(await dispatcher.run()).toEqual({ started: 1 });
  expect(await dispatcher.run()).toEqual({ started: 2 });
  expect(ids.map((id) => get(id).state)).toEqual(['CREATED', 'CREATED', 'CREATED']);
  expect(get(ids[0] ?? '').reason).toBeNull();
  expect(dispatcher.hold()).toBeNull();
});

test('a job that waits for room gives its place back, and a cancel ends it at once', async () => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.failAll({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'exceeded quota: jobs' }),
  });
  await dispatcher.run();
  expect(store.countInCluster()).toBe(0);
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
});

test('a race for the quota is tried again, with nothing lost', async () => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.failNext({ when: 'before', answer: (response) => sendStatus(response, 409, 'Conflict') });
  await dispatcher.run();
  expect(get(id)).toMatchObject({ state: 'QUEUED', reason: 'QuotaConflict' });
  pass(2.1);
  await dispatcher.run();
  expect(get(id).state).toBe('CREATED');
});

test('too many requests hold every create for as long as the cluster asks', async () => {
  await accept();
  const dispatcher = startDispatcher();
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 429, 'TooManyRequests', { headers: { 'retry-after': '7' } }),
  });
  await dispatcher.run();
  await accept();
  pass(6.9);
  expect(await dispatcher.run()).toEqual({ started: 0 });
  pass(0.2);
  expect(await dispatcher.run()).toEqual({ started: 1 });
});

test('a want of rights stops dispatch, and is not blamed on the job', async () => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.grant(false);
  cluster.failAll({
    when: 'before',
    answer: (response) =>
      sendStatus(response, 403, 'Forbidden', { message: 'cannot create resource "jobs"' }),
  });
  await dispatcher.run();
  expect(get(id)).toMatchObject({ state: 'QUEUED', reason: 'Forbidden' });
  expect(dispatcher.hold()?.explanation).toContain('cannot create resource');
});

test('an admission refusal fails the job with the words of the cluster', async () => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'policy says no' }),
  });
  await dispatcher.run();
  expect(get(id)).toMatchObject({
    state: 'FAILED',
    reason: 'Forbidden',
    explanation: expect.stringContaining('policy says no'),
  });
  expect(dispatcher.hold()).toBeNull();
});

test('an invalid Job fails with the words of the cluster', async () => {
  const id = await accept();
  cluster.failNext({
    when: 'before',
    answer: (response) => sendStatus(response, 422, 'Invalid', { message: 'spec.template: Invalid value' }),
  });
  await startDispatcher().run();
  expect(get(id)).toMatchObject({ state: 'FAILED', reason: 'Invalid' });
});

test('a missing namespace keeps jobs queued, with the reason', async () => {
  const id = await accept();
  cluster.failNext({ when: 'before', answer: (response) => sendStatus(response, 404, 'NotFound') });
  await startDispatcher().run();
  expect(get(id)).toMatchObject({ state: 'QUEUED', reason: 'NamespaceMissing' });
});

test('no more jobs than allowed are in the cluster at once', async () => {
  const ids = [await accept(), await accept(), await accept()];
  const dispatcher = startDispatcher(2);
  expect(await dispatcher.run()).toEqual({ started: 2 });
  expect(await dispatcher.run()).toEqual({ started: 0 });
  expect(ids.map((id) => get(id).state)).toEqual(['CREATED', 'CREATED', 'QUEUED']);
});

test('of a restored queue, all of it claimed, no more is sent than there are places; what was never sent waits again', async () => {
  const ids = [await accept(), await accept(), await accept(), await accept()];
  for (const id of ids) store.claimDispatch(id);
  const [, , there] = ids;
  cluster.jobs.set(get(there ?? '').kubernetes.name, {
    uid: 'ours',
    labels: { [jobIdLabel]: there ?? '' },
    suspend: false,
  });
  const dispatcher = startDispatcher(1);
  await dispatcher.run();
  const states = () => ids.map((id) => get(id).state);
  expect(states()).toEqual(['CREATED', 'QUEUED', 'CREATED', 'QUEUED']);
  pass(30);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(4);
  pass(61);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(2);
  expect(states()).toEqual(['CREATED', 'QUEUED', 'CREATED', 'QUEUED']);
  expect(cluster.creates).toHaveLength(1);
  await startDispatcher(4).run();
  expect(states()).toEqual(['CREATED', 'CREATED', 'CREATED', 'CREATED']);
});

test('a job of a higher priority goes first', async () => {
  const [low, high] = [await accept({ priority: -1 }), await accept({ priority: 5 })];
  await startDispatcher(1).run();
  expect([get(low).state, get(high).state]).toEqual(['QUEUED', 'CREATED']);
});

test('a queued job that was cancelled never reaches the cluster', async () => {
  const id = await accept();
  expect(store.requestCancel(id, 'User')).toBe('cancelled');
  expect(await startDispatcher().run()).toEqual({ started: 0 });
  expect(cluster.creates).toEqual([]);
});

test('a job that was cancelled before its create was settled is made suspended, so that nothing runs', async () => {
  const id = await accept();
  const dispatcher = startDispatcher();
  cluster.failNext({ when: 'before', answer: lostAnswer });
  await dispatcher.run();
  expect(store.requestCancel(id, 'User')).toBe('requested');
  pass(5);
  await dispatcher.run();
  expect(cluster.creates.map(({ suspend }) => suspend)).toEqual([false, true]);
  expect(store.listCancelsToCarryOut()).toMatchObject([
    { id, uid: cluster.jobs.get(get(id).kubernetes.name)?.uid },
  ]);
});
