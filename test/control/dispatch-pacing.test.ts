import { randomFillSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDispatcher } from '../../src/control/dispatcher.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { sendStatus } from '../kube/fake-api.ts';
import { openStage, silent } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { until } from '../support/until.ts';
import { startScriptedCluster } from './scripted-cluster.ts';

let stage: Stage;
let cluster: Awaited<ReturnType<typeof startScriptedCluster>>;
let connection: Connection;
let stop: AbortController;
let dispatcher: ReturnType<typeof createDispatcher>;

beforeEach(async () => {
  stage = openStage();
  cluster = await startScriptedCluster();
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  stop = new AbortController();
  dispatcher = createDispatcher({
    store: stage.store,
    kube: createKube({ connection, namespace: 'jobs', log: silent, clock: stage.clock }),
    tokens: { issue: () => 'a-token' },
    callbackUrl: 'http://127.0.0.1:1',
    maxActive: 1000,
    log: silent,
    clock: stage.clock,
    random: (bytes) => randomFillSync(bytes),
    signal: stop.signal,
    stopping: stop.signal,
  });
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await cluster.close();
  stage.close();
});

const accept = (id: string, priority = 0) =>
  stage.accept({ id, kubernetesName: `report-${id}`, spec: { priority } });

const stateOf = (id: string) => stage.store.findJob(id)?.state;

const tooMany = (response: ServerResponse) =>
  sendStatus(response, 429, 'TooManyRequests', { headers: { 'retry-after': '7' } });

/** Sends what there is room for, and tells how many that was, once all of it is under way and then answered. */
async function round(capacity: number): Promise<number> {
  const { started } = await dispatcher.runOnce();
  await until(() => cluster.queued() === started);
  cluster.serve(capacity, tooMany);
  await dispatcher.idle();
  return started;
}

test('in a storm of 429 the creates under way swing about what the cluster takes, and every job is created once', async () => {
  const ids = Array.from({ length: 40 }, (_, nth) => accept(`n${nth}`));
  cluster.queueUp();
  const sent: number[] = [];
  while (ids.some((id) => stateOf(id) === 'QUEUED') && sent.length < 100) {
    sent.push(await round(3));
    const held = dispatcher.hold() !== null;
    if (held) expect(await dispatcher.runOnce()).toEqual({ started: 0 });
    if (held) stage.advance(6900);
    if (held) expect(await dispatcher.runOnce()).toEqual({ started: 0 });
    stage.advance(100);
  }
  expect(sent.slice(0, 11)).toEqual([8, 1, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  expect(Math.max(...sent.slice(1))).toBe(4);
  expect(ids.map(stateOf)).toEqual(ids.map(() => 'CREATED'));
  expect(cluster.jobs.size).toBe(ids.length);
});

test('a cluster that has recovered is given more and more, up to the limit', async () => {
  const ids = Array.from({ length: 60 }, (_, nth) => accept(`n${nth}`));
  cluster.queueUp();
  await round(0);
  stage.advance(7000);
  const sent: number[] = [];
  while (ids.some((id) => stateOf(id) === 'QUEUED') && sent.length < 100) sent.push(await round(8));
  expect(sent.slice(0, 2)).toEqual([1, 4]);
  expect(sent.slice(0, -1)).toEqual(sent.slice(0, -1).toSorted((a, b) => a - b));
  expect(Math.max(...sent)).toBe(8);
});

test('a race for the quota slows creates down as well, and an answer that never comes', async () => {
  for (let nth = 0; nth < 30; nth += 1) accept(`n${nth}`);
  cluster.failNext({ when: 'before', answer: (response) => sendStatus(response, 409, 'Conflict') });
  const sent = [(await dispatcher.runOnce()).started];
  await dispatcher.idle();
  stage.advance(60_000);
  for (let n = 0; n < 2; n += 1) {
    sent.push((await dispatcher.runOnce()).started);
    await dispatcher.idle();
  }
  expect(sent).toEqual([8, 1, 4]);
  cluster.queueUp();
  const { started } = await dispatcher.runOnce();
  await until(() => cluster.queued() === started);
  cluster.serve(0, (response) => void response.socket?.destroy());
  await dispatcher.idle();
  stage.advance(60_000);
  const after = [await round(8), await round(8)];
  expect(after).toEqual([1, 2]);
});

test('after an outage the queue drains by priority, then by age', async () => {
  accept('first');
  accept('idle', -5);
  await cluster.shut();
  for (let n = 0; n < 5; n += 1) {
    await dispatcher.runOnce();
    await dispatcher.idle();
    stage.advance(60_000);
  }
  expect(stage.store.findJob('first')).toMatchObject({ state: 'QUEUED', reason: 'ClusterUnreachable' });
  accept('second');
  accept('urgent', 10);
  accept('third');
  accept('also-urgent', 10);
  await cluster.open();
  cluster.queueUp();
  const order = ['urgent', 'also-urgent', 'first', 'second', 'third', 'idle'];
  for (const waiting = [...order]; waiting.length > 0;) {
    const sent = await round(8);
    // Those that are sent together arrive in any order.
    const arrived = cluster.creates.splice(0).map(({ name }) => name.replace('report-', ''));
    expect(new Set(arrived)).toEqual(new Set(waiting.splice(0, sent)));
    stage.advance(60_000);
  }
  expect(order.map(stateOf)).toEqual(order.map(() => 'CREATED'));
});
