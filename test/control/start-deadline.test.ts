import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createStartDeadline } from '../../src/control/start-deadline.ts';
import { openStage, silent } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { completeJob, runningPod, seenPod } from '../support/sightings.ts';

let stage: Stage;
/** Monotonic. */
let elapsedMs: number;
let isSeeing: boolean;
let refresh: () => Promise<boolean>;

beforeEach(() => {
  stage = openStage();
  elapsedMs = 5_000_000;
  isSeeing = true;
  refresh = async () => true;
});

afterEach(() => stage.close());

/** The loop as a new process would have it. */
function start(startDeadlineSeconds = 10) {
  const { store } = stage;
  const loop = createStartDeadline({
    store,
    log: silent,
    startDeadlineSeconds,
    isSeeing: () => isSeeing,
    refresh: () => refresh(),
    elapsed: () => elapsedMs,
  });
  return {
    runOnce: loop.runOnce,
    /** A look every second, and one at the start. */
    async watch(seconds: number): Promise<number> {
      let { cancelled } = await loop.runOnce();
      for (let second = 0; second < seconds; second += 1) {
        elapsedMs += 1000;
        cancelled += (await loop.runOnce()).cancelled;
      }
      return cancelled;
    },
  };
}

const isGivenUp = (id: string) => stage.store.findJob(id)?.cancelRequestedAt !== null;

test('a job that was seen to wait for the whole time is given up, once', async () => {
  const id = stage.create();
  stage.store.observePod(id, seenPod({ reason: 'ErrImagePull', message: 'no such host' }));
  const loop = start();
  expect(await loop.watch(9)).toBe(0);
  expect(await loop.watch(1)).toBe(1);
  expect(await loop.watch(60)).toBe(0);
  expect(stage.history(id).filter((word) => word.startsWith('cancel'))).toHaveLength(1);
  expect(stage.store.listCancelsToCarryOut()).toMatchObject([{ id, uid: 'job-uid' }]);
  stage.store.markPodGone(id, 'pod-uid');
  stage.store.markJobGone(id, 'job-uid');
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'FAILED',
    reason: 'StartDeadline',
    explanation: expect.stringContaining('no such host'),
  });
});

test('however many they are, all that wait too long are given up', async () => {
  for (let n = 0; n < 101; n += 1) stage.create({ id: `job-${n}`, kubernetesName: `report-${n}` });
  expect(await start().watch(10)).toBe(101);
});

test('a job that has started is left alone', async () => {
  const id = stage.create();
  const loop = start();
  await loop.watch(9);
  stage.store.observePod(id, runningPod());
  expect(await loop.watch(60)).toBe(0);
});

test('the time in the queue does not count', async () => {
  const id = stage.accept();
  const loop = start();
  await loop.watch(3600);
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  expect(await loop.watch(9)).toBe(0);
  expect(await loop.watch(2)).toBe(1);
});

test('neither does the time in which a watch is broken', async () => {
  const id = stage.create();
  const loop = start();
  await loop.watch(9);
  isSeeing = false;
  await loop.watch(3600);
  isSeeing = true;
  await loop.watch(0);
  expect(isGivenUp(id)).toBe(false);
  expect(await loop.watch(1)).toBe(1);
});

test('neither does the time in which the quota of the namespace has no room for its pod', async () => {
  const id = stage.create();
  const loop = start();
  await loop.watch(8);
  stage.store.keepPodRefusal(id, 'Error creating: pods "a" is forbidden: exceeded quota: jobs');
  await loop.watch(3600);
  expect(isGivenUp(id)).toBe(false);
  stage.store.keepPodRefusal(id, 'Error creating: pods "b" is forbidden: violates PodSecurity');
  expect(await loop.watch(1)).toBe(0);
  expect(await loop.watch(2)).toBe(1);
});

test('a jump of the wall clock gives nothing up', async () => {
  const id = stage.create();
  const loop = start();
  await loop.watch(1);
  stage.advance(86_400_000);
  await loop.watch(1);
  expect(isGivenUp(id)).toBe(false);
});

test('a process that stood still has seen nothing meanwhile', async () => {
  const id = stage.create();
  const loop = start();
  await loop.watch(1);
  elapsedMs += 3_600_000;
  await loop.runOnce();
  expect(isGivenUp(id)).toBe(false);
});

test('a restart begins the count anew', async () => {
  const id = stage.create();
  await start().watch(9);
  stage.reopen();
  await start().watch(9);
  expect(isGivenUp(id)).toBe(false);
});

test('a pod that a fresh look finds running saves its job', async () => {
  const id = stage.create();
  const loop = start();
  refresh = async () => {
    stage.store.observePod(id, runningPod());
    return true;
  };
  expect(await loop.watch(60)).toBe(0);
});

test('nothing is given up while the cluster cannot be looked at', async () => {
  const id = stage.create();
  const loop = start();
  refresh = async () => false;
  expect(await loop.watch(60)).toBe(0);
  expect(isGivenUp(id)).toBe(false);
  refresh = async () => true;
  expect(await loop.watch(0)).toBe(1);
});

test('a pod that starts in the last moment is settled by the facts', async () => {
  const id = stage.create();
  await start().watch(11);
  expect(isGivenUp(id)).toBe(true);
  stage.store.observePod(id, runningPod());
  stage.store.observeJob(id, completeJob());
  expect(stage.store.findJob(id)).toMatchObject({ state: 'SUCCEEDED', reason: null });
});

test('without a deadline a job may wait for ever', async () => {
  const id = stage.create();
  await start(0).watch(3600);
  expect(isGivenUp(id)).toBe(false);
});
