import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createLogKeeper } from '../../src/control/log-keeper.ts';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { sendStatus, startFakeApi } from '../kube/fake-api.ts';
import { exitedPod } from '../support/sightings.ts';

const log = pino({ level: 'silent' });
const clock = () => new Date(now);

let dir: string;
let store: Store;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let now: number;
/** How many logs the keeper wanted to hear of at its latest look. */
let limit: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'log-keeper-'));
  now = Date.parse('2026-01-01T00:00:00Z');
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

function start() {
  const kube = createKube({ connection, namespace: 'jobs', log, clock });
  const listening = {
    ...store,
    listLogsToKeep: (most: number) => {
      limit = most;
      return store.listLogsToKeep(most);
    },
  };
  const keeper = createLogKeeper({ store: listening, kube, log, clock, signal: stop.signal });
  return {
    async run() {
      const counts = keeper.runOnce();
      await keeper.idle();
      return counts;
    },
  };
}

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
    expect(store.listLogsToKeep(10)).toEqual([]);
  },
);

test('a log that cannot be read is tried again later, and forgotten with its pod', async () => {
  api.answer((_request, response) => sendStatus(response, 503, 'ServiceUnavailable'));
  for (const uid of ['x', 'y', 'z']) endPod(uid);
  const keeper = start();
  await keeper.run();
  expect(await keeper.run()).toEqual({ started: 0 });
  expect(limit).toBe(4 + 3);
  for (const uid of ['x', 'y', 'z']) store.markPodGone('a', uid);
  await keeper.run();
  await keeper.run();
  expect(limit).toBe(4);
});
