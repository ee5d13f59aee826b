import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { every } from '../../src/control/every.ts';
import { createLogKeeper } from '../../src/control/log-keeper.ts';
import { createLoopsHealth } from '../../src/control/loop-health.ts';
import { AppError } from '../../src/core/app-error.ts';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { sendStatus, startFakeApi } from '../kube/fake-api.ts';
import { logsToKeep } from '../support/logs-to-keep.ts';
import { exitedPod } from '../support/sightings.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const clock = () => new Date(now);

let dir: string;
let store: Store;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let now: number;
/** How many pods the store shows the keeper at once. */
let most: number;
/** What the keeper asked the store for. */
let limits: number[];
let found: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'log-keeper-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  most = Infinity;
  limits = [];
  found = 0;
  store = openStore({ path: join(dir, 'jobs.db'), clock, log });
  const spec = toJobSpec(jobRequestSchema.parse({ name: 'a job' }), 'worker');
  const names = { namespace: 'jobs', generateName: 'a-job-', kubernetesName: 'a-job-bcdfghjklm' };
  const request = { requestHash: 'a', idempotencyKey: null, rerunOf: null };
  store.acceptJob({ idGiven: true, id: 'a', name: 'a job', spec, ...request, ...names });
  store.claimDispatch('a');
  store.settleCreated('a', { uid: 'job-uid' });
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await api.close();
  store.close();
  rmSync(dir, { recursive: true });
});

function endPod(uid: string): void {
  store.observePod('a', exitedPod(0, { uid, name: `a-job-bcdfghjklm-${uid}` }));
}

function start(overrides: Partial<Store> = {}, patienceMs?: number) {
  const kube = createKube({ connection, namespace: 'jobs', log, clock });
  const listening: Store = {
    ...store,
    listLogsToKeep: ({ after, limit }) => {
      limits.push(limit);
      return store.listLogsToKeep({ after, limit: Math.min(limit, most) });
    },
    findLogToKeep: (number) => {
      found += 1;
      return store.findLogToKeep(number);
    },
    ...overrides,
  };
  const keeper = createLogKeeper({
    store: listening,
    kube,
    log,
    clock,
    signal: stop.signal,
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  return {
    ...keeper,
    async run() {
      const counts = await keeper.runOnce();
      await keeper.idle();
      return counts;
    },
  };
}

/** Of pods whose uid begins with `bad` no log is to be had; each asked for is noted. */
function answerAllBut(answerBad: (response: ServerResponse) => void): string[] {
  const asked: string[] = [];
  api.answer(({ path }, response) => {
    const uid = /-([^-]+)\/log$/.exec(path)?.[1] ?? '';
    asked.push(uid);
    if (uid.startsWith('bad')) answerBad(response);
    else response.end('done\n');
  });
  return asked;
}

const refuse = (response: ServerResponse) => sendStatus(response, 403, 'Forbidden');
const isKept = (uid: string) => store.findLog(uid) !== undefined;
const uidsFrom = (name: string, count: number) => Array.from({ length: count }, (_, nth) => `${name}${nth}`);

test('the log of a pod that has ended is kept once', async () => {
  api.answer((_request, response) => void response.end('done\n'));
  endPod('x');
  const keeper = start();
  expect(await keeper.run()).toEqual({ started: 1 });
  expect(await keeper.run()).toEqual({ started: 0 });
  expect(store.findLog('x')?.toString()).toBe('done\n');
});

test.each(['is waiting to start: ContainerCreating', 'is not available'])(
  'a pod that ended before its container ran (%s) has no log, and is not asked again',
  async (words) => {
    const message = `container "main" in pod "a-job-bcdfghjklm-x" ${words}`;
    api.answer((_request, response) => sendStatus(response, 400, 'BadRequest', { message }));
    endPod('x');
    const keeper = start();
    await keeper.run();
    now += 600_000;
    expect(await keeper.run()).toEqual({ started: 0 });
    expect(logsToKeep(store)).toEqual([]);
  },
);

test('who waits for the log of a pod finds it in the store', async () => {
  const held: ServerResponse[] = [];
  answerAllBut((response) => void held.push(response));
  endPod('bad');
  const keeper = start();
  await keeper.runOnce();
  const [number = 0] = store.listLogsToKeep({ after: 0, limit: 1 });
  const read = keeper.untilRead(number);
  await until(() => held.length === 1);
  expect(isKept('bad')).toBe(false);
  held[0]?.end('late\n');
  await read;
  expect(isKept('bad')).toBe(true);
  await keeper.untilRead(number);
});

test('a log that cannot be read is tried again later', async () => {
  api.answer((_request, response) => sendStatus(response, 503, 'ServiceUnavailable'));
  endPod('x');
  const keeper = start();
  await keeper.run();
  expect(await keeper.run()).toEqual({ started: 0 });
  now += 800;
  api.answer((_request, response) => void response.end('done\n'));
  expect(await keeper.run()).toEqual({ started: 1 });
  expect(isKept('x')).toBe(true);
});

test('a failure is forgotten when the pod is not listed any more', async () => {
  answerAllBut(refuse);
  let isListed = true;
  endPod('bad');
  const keeper = start({
    listLogsToKeep: (page) => (isListed ? store.listLogsToKeep(page) : []),
  });
  await keeper.run();
  expect(await keeper.run()).toEqual({ started: 0 });
  isListed = false;
  expect(await keeper.run()).toEqual({ started: 0 });
  isListed = true;
  expect(await keeper.run()).toEqual({ started: 1 });
});

test('logs that nobody answers for do not stand before those that can be read', async () => {
  const held: ServerResponse[] = [];
  const asked = answerAllBut((response) => void held.push(response));
  const letFail = async (count: number) => {
    await until(() => held.length === count);
    for (const response of held.splice(0)) response.socket?.destroy();
  };
  const [bad, good] = [uidsFrom('bad', 8), uidsFrom('good', 20)];
  for (const uid of [...bad, ...good]) endPod(uid);
  const keeper = start({}, 600_000);
  for (let nth = 0; nth < 2; nth += 1) {
    expect(await keeper.runOnce()).toEqual({ started: 4 });
    await letFail(4);
    await keeper.idle();
  }
  now += 60_000;
  await until(async () => {
    await keeper.runOnce();
    return good.every(isKept);
  });
  // Two of the others are asked for meanwhile, and hold nobody up.
  expect(held).toHaveLength(2);
  expect(asked.slice(8).filter((uid) => uid.startsWith('bad'))).toHaveLength(2);
});

test('a read that takes long goes on, and gives its place to another', async () => {
  const held: ServerResponse[] = [];
  const asked = answerAllBut((response) => void held.push(response));
  const bad = uidsFrom('bad', 9);
  for (const uid of [...bad, 'good']) endPod(uid);
  const keeper = start({}, 10);
  await until(async () => {
    await keeper.runOnce();
    return isKept('good');
  });
  await until(() => held.length === 9);
  for (const response of held) response.end('late\n');
  await keeper.idle();
  expect(bad.every(isKept)).toBe(true);
  expect(asked).toHaveLength(10);
});

test('a retry that fails calls for no other', async () => {
  answerAllBut(refuse);
  endPod('bad');
  const keeper = start();
  let room = 0;
  keeper.onRoom(() => (room += 1));
  expect(await keeper.run()).toEqual({ started: 1 });
  now += 60_000;
  expect(await keeper.run()).toEqual({ started: 1 });
  expect(room).toBe(1);
});

test('of logs that failed, one that failed less often comes first', async () => {
  const asked = answerAllBut(refuse);
  for (const uid of ['bad0', 'bad1']) endPod(uid);
  const keeper = start();
  await keeper.run();
  now += 60_000;
  await keeper.run();
  // The two others fail later, and are due later.
  now += 1000;
  for (const uid of ['bad2', 'bad3']) endPod(uid);
  await keeper.run();
  asked.length = 0;
  now += 60_000;
  await keeper.run();
  await keeper.run();
  expect(asked.slice(0, 2).toSorted()).toEqual(['bad2', 'bad3']);
  expect(asked.slice(2).toSorted()).toEqual(['bad0', 'bad1']);
});

test('what failed costs a number in a page each, however much it is', async () => {
  const asked = answerAllBut(refuse);
  for (const uid of uidsFrom('bad', 10)) endPod(uid);
  const keeper = start();
  for (let nth = 0; nth < 3; nth += 1) await keeper.run();
  expect(asked).toHaveLength(10);
  [found, limits] = [0, []];
  most = 3;
  endPod('good');
  const turns: number[] = [];
  setImmediate(() => turns.push(limits.length));
  expect(await keeper.run()).toEqual({ started: 1 });
  expect(isKept('good')).toBe(true);
  expect(found).toBe(1);
  // Eleven numbers in pages of three, and one that is empty; others have their turn between them.
  expect(limits).toEqual(Array.from({ length: 5 }, () => 5000));
  expect(turns).toEqual([1]);
});

test('a first try that fails makes room for the next one at once', async () => {
  answerAllBut(refuse);
  for (const uid of [...uidsFrom('bad', 20), 'good']) endPod(uid);
  const keeper = start();
  const health = createLoopsHealth({ clock });
  const pace = { name: 'log keeper', intervalMs: 3_600_000, signal: stop.signal, log, health };
  const running = every({ ...pace, wake: (listener) => keeper.onRoom(listener) }, keeper.runOnce);
  await until(() => isKept('good'));
  stop.abort();
  await running;
});

test('that there is no log is noted later where the store cannot be written', async () => {
  api.answer((_request, response) => sendStatus(response, 404, 'NotFound'));
  let isFull = true;
  endPod('x');
  const keeper = start({
    markLogUnavailable: (podUid) => {
      if (isFull) throw new AppError('unavailable', 'The database cannot be written at the moment.');
      store.markLogUnavailable(podUid);
    },
  });
  await keeper.run();
  expect(await keeper.run()).toEqual({ started: 0 });
  isFull = false;
  now += 800;
  expect(await keeper.run()).toEqual({ started: 1 });
  expect(logsToKeep(store)).toEqual([]);
});
