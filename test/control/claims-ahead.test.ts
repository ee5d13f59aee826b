import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AppError } from '../../src/core/app-error.ts';
import { until } from '../support/until.ts';
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

const accept = (count: number, request = {}) =>
  Promise.all(Array.from({ length: count }, () => stage.accept(request)));

const statesOf = (ids: readonly string[]) => ids.map((id) => stage.get(id).state);

/** With a store that can be made to keep everybody waiting; and how often the cluster has made room. */
function startWithStore() {
  const free = Promise.withResolvers<void>();
  let isHeld = false;
  let room = 0;
  const dispatcher = stage.startDispatcher(100, {
    groupCommit: async (change, how) => {
      if (isHeld) await free.promise;
      return store.groupCommit(change, how);
    },
  });
  dispatcher.onRoom(() => (room += 1));
  return { dispatcher, countRoom: () => room, holdStore: () => (isHeld = true), freeStore: free.resolve };
}

test('one commit claims for a window and for the next one, and holds places for both', async () => {
  await accept(20);
  let commits = 0;
  const dispatcher = stage.startDispatcher(100, {
    claimTogether: (items) => {
      commits += 1;
      return store.claimTogether(items);
    },
  });
  expect(await dispatcher.run()).toEqual({ started: 8 });
  expect(store.countInCluster()).toBe(16);
  expect(await dispatcher.run()).toEqual({ started: 8 });
  expect(store.countInCluster()).toBe(20);
  expect(commits).toBe(2);
});

test('claims ahead take no more places than there are', async () => {
  const ids = await accept(12);
  const dispatcher = stage.startDispatcher(10);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(10);
  await dispatcher.run();
  await dispatcher.run();
  expect(statesOf(ids).filter((state) => state === 'CREATED')).toHaveLength(10);
});

test('a job that is cancelled between its claim and its create never reaches the cluster', async () => {
  const ids = await accept(10);
  const dispatcher = stage.startDispatcher();
  await dispatcher.run();
  const [last = ''] = ids.slice(-1);
  expect(store.requestCancel(last, 'User')).toBe('requested');
  expect(await dispatcher.run()).toEqual({ started: 1 });
  expect(stage.get(last).state).toBe('CANCELLED');
  expect(cluster.creates).toHaveLength(9);
});

test('a cancel does not wait for room in the window', async () => {
  const ids = await accept(10);
  const dispatcher = stage.startDispatcher();
  cluster.queueUp();
  await dispatcher.runOnce();
  const [last = ''] = ids.slice(-1);
  store.requestCancel(last, 'User');
  expect(await dispatcher.runOnce()).toEqual({ started: 0 });
  expect(stage.get(last).state).toBe('CANCELLED');
  await until(() => cluster.queued() === 8);
  cluster.serve(8, () => {});
  await dispatcher.idle();
});

test('a higher priority that comes after the claims still goes first', async () => {
  const ids = await accept(16);
  const dispatcher = stage.startDispatcher();
  await dispatcher.run();
  const urgent = await stage.accept({ priority: 5 });
  await dispatcher.run();
  expect(stage.get(urgent).state).toBe('CREATED');
  expect(statesOf(ids).filter((state) => state === 'QUEUED')).toHaveLength(1);
});

test('what was only claimed gives its claim back when dispatch has to wait', async () => {
  const ids = await accept(16);
  const dispatcher = stage.startDispatcher();
  cluster.failAll(fullQuota);
  await dispatcher.run();
  expect(store.countInCluster()).toBe(0);
  expect(store.requestCancel(ids.at(-1) ?? '', 'User')).toBe('cancelled');
});

test('what was only claimed can be given back at the end, so that the next start does not take it for sent', async () => {
  await accept(16);
  const dispatcher = stage.startDispatcher();
  await dispatcher.run();
  dispatcher.giveBack();
  expect(store.countInCluster()).toBe(8);
});

test('an answer makes room for the next create before the store has taken it down', async () => {
  await accept(9);
  const { dispatcher, countRoom, holdStore, freeStore } = startWithStore();
  await dispatcher.runOnce();
  holdStore();
  await until(() => countRoom() === 8);
  expect(store.countCreated()).toBe(0);
  expect(await dispatcher.runOnce()).toEqual({ started: 1 });
  await until(() => countRoom() === 9);
  expect(await dispatcher.runOnce()).toEqual({ started: 0 });
  freeStore();
  await dispatcher.idle();
  expect(store.countCreated()).toBe(9);
  expect(cluster.creates).toHaveLength(9);
});

test('the next window is claimed while this one is under way, and no create waits for that', async () => {
  await accept(20);
  const { dispatcher, countRoom, holdStore, freeStore } = startWithStore();
  cluster.queueUp();
  expect(await dispatcher.runOnce()).toEqual({ started: 8 });
  await until(() => cluster.queued() === 8);
  holdStore();
  cluster.serve(8, () => {});
  await until(() => countRoom() === 8);
  expect(await dispatcher.runOnce()).toEqual({ started: 8 });
  expect(store.countInCluster()).toBe(16);
  freeStore();
  await until(() => store.countInCluster() === 20);
  await until(() => cluster.queued() === 8);
  cluster.serve(8, () => {});
  await dispatcher.idle();
});

test('a cancel that shares the commit of the claim keeps the job from the cluster', async () => {
  const [id = ''] = await accept(1);
  const dispatcher = stage.startDispatcher();
  const outcomes = await Promise.all([
    dispatcher.run(),
    store.groupCommit(() => store.requestCancel(id, 'User')),
  ]);
  expect(outcomes).toEqual([{ started: 0 }, 'requested']);
  expect(stage.get(id).state).toBe('CANCELLED');
  expect(cluster.creates).toEqual([]);
});

test('a higher priority that shares the commit of the claim goes next, and keeps nothing from the room there is', async () => {
  const ids = await accept(16);
  const dispatcher = stage.startDispatcher();
  const [counts, urgent] = await Promise.all([dispatcher.run(), stage.accept({ priority: 5 })]);
  expect(counts).toEqual({ started: 8 });
  expect(stage.get(urgent).state).toBe('QUEUED');
  await dispatcher.run();
  expect(stage.get(urgent).state).toBe('CREATED');
  expect(statesOf(ids).filter((state) => state === 'QUEUED')).toHaveLength(1);
});

test('a claim that fails while the window is full is made again', async () => {
  const ids = await accept(20);
  let failures = 0;
  const dispatcher = stage.startDispatcher(100, {
    claimTogether(items) {
      if (store.countInCluster() < 16 || failures > 0) return store.claimTogether(items);
      failures += 1;
      throw new AppError('unavailable', 'The database cannot be written at the moment.');
    },
  });
  for (let round = 0; round < 4; round += 1) {
    await dispatcher.run();
    // Answers that shared the commit with the claim were refused with it, and are taken down later.
    stage.pass(2);
  }
  expect(failures).toBe(1);
  expect(new Set(statesOf(ids))).toEqual(new Set(['CREATED']));
});

test('what is claimed when the service stops is not sent any more, and gives its claim back', async () => {
  await accept(3);
  const dispatcher = stage.startDispatcher();
  const run = dispatcher.run();
  stage.beginStop();
  expect(await run).toEqual({ started: 0 });
  expect(store.countInCluster()).toBe(3);
  dispatcher.giveBack();
  expect(store.countInCluster()).toBe(0);
  expect(cluster.creates).toEqual([]);
});

test('what cannot be given back now stays in hand, and is given back later', async () => {
  await accept(16);
  let isFull = false;
  const dispatcher = stage.startDispatcher(100, {
    releaseTogether(ids) {
      if (isFull) throw new AppError('unavailable', 'The database cannot be written at the moment.');
      store.releaseTogether(ids);
    },
  });
  await dispatcher.run();
  isFull = true;
  expect(() => dispatcher.giveBack()).toThrow('cannot be written');
  isFull = false;
  dispatcher.giveBack();
  expect(store.countInCluster()).toBe(8);
});
