import { randomFillSync } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createIntake } from '../../src/control/intake.ts';
import { tryJob } from '../../src/control/try-job.ts';
import { openTryStore } from '../../src/store/try-store.ts';
import { openStage, silent } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { anySpec } from '../support/any-spec.ts';
import { until } from '../support/until.ts';

/** Two doors to one database: the service's, which is played here, and the command's. */
let service: Stage;
let beside: ReturnType<typeof openTryStore>;
beforeEach(() => {
  service = openStage();
  beside = openTryStore({ path: service.path, clock: service.clock, log: silent });
});
afterEach(() => {
  beside.close();
  service.close();
});

function begin(patienceMs: number) {
  const intake = createIntake({
    store: beside,
    clock: service.clock,
    random: (bytes) => randomFillSync(bytes),
    workerImage: 'jobspawn-worker',
    namespace: 'jobs',
    specPolicy: anySpec,
    maxQueued: 10,
  });
  return tryJob({ intake, store: beside, patienceMs });
}

const submitted = () => until(() => service.store.listJobs({ limit: 1 }).jobs[0]);

test('a report that comes in is the answer', async () => {
  const tried = begin(20_000);
  const { id, name } = await submitted();
  expect(name).toBe('try the cluster');
  service.store.claimDispatch(id);
  service.store.addReport({ 'job-id': id, status: 'Start Processing' });
  expect(await tried).toMatchObject({ verdict: 'ok', sentence: expect.stringContaining(id) });
});

test('a job that ends in silence tells that pods do not reach us', async () => {
  const tried = begin(20_000);
  const { id } = await submitted();
  service.store.claimDispatch(id);
  service.store.settleCreated(id, { uid: 'job-uid' });
  const at = service.clock().toISOString();
  service.store.observeJob(id, {
    uid: 'job-uid',
    name: 'try',
    namespace: 'jobs',
    createdAt: at,
    deletedAt: null,
    startedAt: at,
    completedAt: at,
    active: 0,
    ready: 0,
    succeeded: 1,
    failed: 0,
    conditions: [{ type: 'Complete', status: 'True', reason: null, message: null, at }],
  });
  expect(await tried).toMatchObject({
    verdict: 'wrong',
    sentence: expect.stringContaining('pods do not reach CALLBACK_URL'),
  });
});

test('a job that is refused has the words of the cluster', async () => {
  const tried = begin(20_000);
  const { id } = await submitted();
  service.store.claimDispatch(id);
  service.store.settleRefused(id, { reason: 'Forbidden', message: 'a policy says no' });
  expect(await tried).toMatchObject({
    verdict: 'wrong',
    sentence: expect.stringMatching(/^It ended FAILED without a report .*a policy says no/),
  });
});

test('a job that nobody takes up is cancelled, and does not run some day', async () => {
  const finding = await begin(1);
  expect(finding).toMatchObject({
    verdict: 'wrong',
    sentence: expect.stringContaining('is the service running on this database?'),
  });
  expect(service.store.listJobs({ limit: 1 }).jobs[0]?.state).toBe('CANCELLED');
});
