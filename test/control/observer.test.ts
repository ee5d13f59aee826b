import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { startObserver } from '../../src/control/observer.ts';
import type { ObserverOptions } from '../../src/control/observer.ts';
import { AppError } from '../../src/core/app-error.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { jobIdLabel } from '../../src/core/labels.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';

let dir: string;
let store: Store;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let done: Promise<unknown> | undefined;
/** What the cluster lists. */
let jobs: unknown[];
let pods: unknown[];
let isDown: boolean;
let lines: string[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'observer-'));
  store = openStore({ path: join(dir, 'jobs.db'), clock: () => new Date(), log: pino({ level: 'silent' }) });
  jobs = [];
  pods = [];
  isDown = false;
  lines = [];
  api = await startFakeApi(({ path, query }, response) => {
    if (isDown) sendStatus(response, 503, 'ServiceUnavailable');
    else if (query.has('watch')) response.writeHead(200).flushHeaders();
    else
      sendJson(response, 200, {
        metadata: { resourceVersion: '1' },
        items: path.endsWith('/jobs') ? jobs : pods,
      });
  });
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await done;
  await connection.close();
  await api.close();
  store.close();
  rmSync(dir, { recursive: true });
});

function start(overrides: Partial<Store> = {}, options: Pick<ObserverOptions, 'elapsed'> = {}) {
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const kube = createKube({ connection, namespace: 'jobs', log });
  const observer = startObserver({
    store: { ...store, ...overrides },
    kube,
    log,
    signal: stop.signal,
    ...options,
  });
  done = observer.done;
  return observer;
}

/** A row that was sent to the cluster, and the Job as the cluster lists it. */
function send(id: string) {
  const spec = toJobSpec(jobRequestSchema.parse({ name: id }), 'worker');
  const names = { namespace: 'jobs', generateName: `${id}-`, kubernetesName: `${id}-bcdfghjklm` };
  store.acceptJob({
    idGiven: true,
    id,
    name: id,
    spec,
    requestHash: id,
    idempotencyKey: null,
    rerunOf: null,
    ...names,
  });
  store.claimDispatch(id);
  store.settleCreated(id, { uid: `uid-of-${id}` });
  return toListed(id);
}

function toListed(id: string, uid = `uid-of-${id}`) {
  const labels = { [jobIdLabel]: id };
  return {
    metadata: {
      uid,
      name: `${id}-bcdfghjklm`,
      namespace: 'jobs',
      labels,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {},
    status: { conditions: [{ type: 'Complete', status: 'True' }], succeeded: 1 },
  };
}

/** A pod of the Job of this row. */
function toListedPod(id: string, uid: string) {
  const { metadata } = toListed(id);
  const ownerReferences = [{ kind: 'Job', uid: metadata.uid, controller: true }];
  return {
    metadata: { ...metadata, uid, name: `${metadata.name}-${uid}`, ownerReferences },
    status: { phase: 'Running' },
  };
}

function podLists(): number {
  return api.requests.filter(({ path, query }) => path.endsWith('/pods') && !query.has('watch')).length;
}

test('what the first lists show and lack is told to the store', async () => {
  jobs = [send('there')];
  send('away');
  const observer = start();
  await observer.synced;
  expect(store.findJob('there')?.state).toBe('SUCCEEDED');
  expect(await observer.compareOnce()).toEqual({ jobsGone: 1, podsGone: 0, orphans: 0 });
  expect(store.findJob('away')?.state).toBe('LOST');
});

test('a job that is sent while a compare lists is not taken for gone', async () => {
  const observer = start();
  await observer.synced;
  await observer.compareOnce();
  const comparing = observer.compareOnce();
  send('just-now');
  await comparing;
  expect(store.findJob('just-now')?.state).toBe('CREATED');
});

test('an observation that the store cannot take is told again', async () => {
  jobs = [send('one'), send('two')];
  let isFull = true;
  const observer = start({
    observeJob: (id, observation) => {
      if (isFull) throw new Error('database or disk is full');
      store.observeJob(id, observation);
    },
  });
  await observer.synced;
  expect(await observer.retryOwed()).toEqual({ owed: 2 });
  expect(lines).toHaveLength(2);
  expect(observer.status()).toMatchObject({ owed: 2, faults: 2 });
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 0 });
  expect(['one', 'two'].map((id) => store.findJob(id)?.state)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
});

const fullDisk = new AppError('unavailable', 'The database cannot be written at the moment.');

test('the end of a job whose Job left while the disk was full is not lost', async () => {
  jobs = [send('brief')];
  let isFull = true;
  const whenRoom =
    <A extends unknown[]>(commit: (...args: A) => void) =>
    (...args: A) => {
      if (isFull) throw fullDisk;
      commit(...args);
    };
  const observer = start({
    observeJob: whenRoom(store.observeJob),
    markJobGone: whenRoom(store.markJobGone),
  });
  await observer.synced;
  await observer.compareOnce();
  jobs = [];
  await observer.compareOnce();
  await observer.compareOnce();
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 0 });
  expect(store.findJob('brief')?.state).toBe('SUCCEEDED');
});

test('others have their turn while much that was owed is stored', async () => {
  jobs = ['one', 'two', 'three'].map(send);
  const steps: string[] = [];
  let isFull = true;
  let ms = 0;
  const observer = start(
    {
      observeJob: (id, observation) => {
        if (isFull) throw fullDisk;
        // More than a bite has.
        ms += 5;
        store.observeJob(id, observation);
        steps.push(id);
        setImmediate(() => steps.push('others'));
      },
    },
    { elapsed: () => ms },
  );
  await observer.synced;
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 0 });
  await until(() => steps.length === 6);
  expect(steps).toEqual(['one', 'others', 'two', 'others', 'three', 'others']);
});

test('what was owed shares its transactions', async () => {
  const ids = Array.from({ length: 50 }, (_, nth) => `job-${nth}`);
  jobs = ids.map(send);
  let isFull = true;
  const observer = start(
    {
      observeJob: (id, observation) => {
        if (isFull) throw fullDisk;
        store.observeJob(id, observation);
      },
    },
    { elapsed: () => 0 },
  );
  await observer.synced;
  let commits = 0;
  store.onCommit(() => (commits += 1));
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 0 });
  // The first by itself, and then all others.
  expect(commits).toBe(2);
  expect(new Set(ids.map((id) => store.findJob(id)?.state))).toEqual(new Set(['SUCCEEDED']));
});

test('of a disk that is still full one refusal is enough', async () => {
  jobs = ['one', 'two', 'three'].map(send);
  let tries = 0;
  const observer = start({
    observeJob: () => {
      tries += 1;
      throw fullDisk;
    },
  });
  await observer.synced;
  tries = 0;
  expect(await observer.retryOwed()).toEqual({ owed: 3 });
  expect(tries).toBe(1);
});

test('what is owed is not told after something newer that waited for the store', async () => {
  jobs = [send('stays'), send('leaves')];
  const told: string[] = [];
  let isFull = true;
  const observer = start({
    observeJob: (id, observation) => {
      if (isFull) throw fullDisk;
      told.push(`${id} seen`);
      store.observeJob(id, observation);
    },
    markJobGone: (id, uid) => {
      told.push(`${id} gone`);
      store.markJobGone(id, uid);
    },
    groupCommit: (change, how) => {
      // A turn later, when all that the list told is waiting.
      if (!isFull && how?.canWait === true) queueMicrotask(() => void observer.retryOwed());
      return store.groupCommit(change, how);
    },
  });
  await observer.synced;
  isFull = false;
  jobs = jobs.slice(0, 1);
  await observer.compareOnce();
  await observer.compareOnce();
  expect(observer.status().owed).toBe(0);
  expect(told).toContain('leaves seen');
  expect(told.lastIndexOf('leaves seen')).toBeLessThan(told.indexOf('leaves gone'));
});

test('the leave of an object whose last look the store never takes shares no transaction with it', async () => {
  jobs = [send('plain'), send('odd')];
  let isFull = true;
  let isShared = false;
  const leaves: string[] = [];
  const observer = start({
    observeJob: (id, observation) => {
      if (isFull) throw fullDisk;
      if (id === 'odd') throw new Error('CHECK constraint failed');
      store.observeJob(id, observation);
    },
    markJobGone: (id, uid) => {
      leaves.push(`${id} ${isShared ? 'with others' : 'alone'}`);
      store.markJobGone(id, uid);
    },
    groupCommit: (change, how) =>
      store.groupCommit(() => {
        isShared = true;
        try {
          return change();
        } finally {
          isShared = false;
        }
      }, how),
  });
  await observer.synced;
  await observer.compareOnce();
  jobs = [];
  await observer.compareOnce();
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 0 });
  expect(leaves).toEqual(['plain alone', 'odd alone']);
  expect(['plain', 'odd'].map((id) => store.findJob(id)?.state)).toEqual(['SUCCEEDED', 'LOST']);
});

test('one observation that the store never takes holds up neither the others nor the end of its job', async () => {
  jobs = [send('odd'), send('plain')];
  let isFull = true;
  const observer = start({
    observeJob: (id, observation) => {
      if (isFull) throw fullDisk;
      if (id === 'odd') throw new Error('CHECK constraint failed');
      store.observeJob(id, observation);
    },
  });
  await observer.synced;
  isFull = false;
  expect(await observer.retryOwed()).toEqual({ owed: 1 });
  expect(store.findJob('plain')?.state).toBe('SUCCEEDED');
  await observer.compareOnce();
  jobs = [];
  await observer.compareOnce();
  expect(observer.status().owed).toBe(0);
  expect(store.findJob('odd')?.state).toBe('LOST');
});

test('pods that are looked at anew are in the store before anybody is told', async () => {
  jobs = [send('retried')];
  const observer = start();
  await observer.synced;
  pods = [toListedPod('retried', 'first'), toListedPod('retried', 'second')];
  const patience = new AbortController();
  const looks = [observer.refreshPods(patience.signal), observer.refreshPods(patience.signal)];
  expect(await Promise.all(looks)).toEqual([true, true]);
  expect(podLists()).toBe(2);
  const attempts = store.findJob('retried')?.tasks.flatMap((task) => task.attempts);
  expect(attempts?.map(({ podUid }) => podUid)).toEqual(['first', 'second']);
});

test('a fresh look at pods that does not come in time, or that the store cannot take, is none', async () => {
  jobs = [send('retried')];
  let isFull = true;
  const observer = start({
    observePod: (id, observation) => {
      if (isFull) throw fullDisk;
      store.observePod(id, observation);
    },
  });
  await observer.synced;
  pods = [toListedPod('retried', 'first')];
  expect(await observer.refreshPods(stop.signal)).toBe(false);
  isFull = false;
  expect(await observer.refreshPods(stop.signal)).toBe(true);
  isDown = true;
  const patience = new AbortController();
  const looking = observer.refreshPods(patience.signal);
  await until(() => observer.status().pods.error !== null);
  patience.abort();
  expect(await looking).toBe(false);
  expect(await observer.refreshPods(patience.signal)).toBe(false);
});

test('a Job under our name with another uid says nothing of ours', async () => {
  send('mine');
  jobs = [toListed('mine', 'another-uid')];
  const observer = start();
  await observer.synced;
  expect(store.findJob('mine')?.state).toBe('CREATED');
});

test('an orphan is told once', async () => {
  jobs = [toListed('nobody')];
  const observer = start();
  await observer.synced;
  expect(await observer.compareOnce()).toMatchObject({ orphans: 1 });
  expect(await observer.compareOnce()).toMatchObject({ orphans: 1 });
  await until(() => lines.length === 1);
  expect(lines[0]).toContain('belongs to no row');
  expect(observer.status().orphans).toBe(1);
  jobs = [];
  await observer.compareOnce();
  expect(observer.status().orphans).toBe(0);
});
