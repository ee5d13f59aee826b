import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createCanceller } from '../../src/control/canceller.ts';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';

const log = pino({ level: 'silent' });
const clock = () => new Date(now);

let dir: string;
let store: Store;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let now: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'canceller-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  store = openStore({ path: join(dir, 'jobs.db'), clock, log });
  api = await startFakeApi((_request, response) => sendJson(response, 200, {}));
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
});

afterEach(async () => {
  await connection.close();
  await api.close();
  store.close();
  rmSync(dir, { recursive: true });
});

/** A job in the cluster that somebody wants to be gone. */
function cancelOne(id: string): void {
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
  store.requestCancel(id, 'User');
}

function start() {
  const kube = createKube({ connection, namespace: 'jobs', log, clock });
  const { signal } = new AbortController();
  return createCanceller({ store, kube, log, clock, signal, beforeDelete: async () => undefined });
}

test('a cancel that fails is tried again later, however often somebody looks, and tells that it fails', async () => {
  cancelOne('a');
  api.answer((_request, response) => sendStatus(response, 503, 'ServiceUnavailable'));
  const canceller = start();
  for (let n = 0; n < 20; n += 1) await canceller.runOnce();
  expect(api.requests).toHaveLength(1);
  expect(canceller.failing()).toBe(1);
  now += 1000;
  for (let n = 0; n < 20; n += 1) await canceller.runOnce();
  now += 1000;
  await canceller.runOnce();
  expect(api.requests).toHaveLength(2);
  api.answer((_request, response) => sendJson(response, 200, {}));
  now += 1000;
  expect(await canceller.runOnce()).toEqual({ deleted: 1, failed: 0 });
  expect(canceller.failing()).toBe(0);
});

test('a cancel that fails holds up no other', async () => {
  cancelOne('a');
  api.answer(({ path }, response) => {
    if (path.includes('/a-')) sendStatus(response, 503, 'ServiceUnavailable');
    else sendJson(response, 200, {});
  });
  const canceller = start();
  await canceller.runOnce();
  cancelOne('b');
  expect(await canceller.runOnce()).toEqual({ deleted: 1, failed: 0 });
});

test('a Job that still stands half a minute after its delete is deleted again', async () => {
  cancelOne('a');
  const canceller = start();
  await canceller.runOnce();
  now += 29_000;
  expect(await canceller.runOnce()).toEqual({ deleted: 0, failed: 0 });
  now += 1000;
  expect(await canceller.runOnce()).toEqual({ deleted: 1, failed: 0 });
});
