import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createPodRefusals } from '../../src/control/pod-refusals.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';
import { openStage, silent } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { seenPod } from '../support/sightings.ts';

const refusal = (name: string) =>
  `Error creating: pods "${name}" is forbidden: violates PodSecurity "restricted:latest"`;

let stage: Stage;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let elapsedMs: number;
let isSeeing: boolean;
let lines: string[];

beforeEach(async () => {
  stage = openStage();
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  elapsedMs = 5_000_000;
  isSeeing = true;
  lines = [];
});

afterEach(async () => {
  await connection.close();
  await api.close();
  stage.close();
});

function start() {
  const { runOnce } = createPodRefusals({
    store: stage.store,
    kube: createKube({ connection, namespace: 'jobs', log: silent }),
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    isSeeing: () => isSeeing,
    signal: new AbortController().signal,
    elapsed: () => elapsedMs,
  });
  return async (seconds: number): Promise<number> => {
    let { asked } = await runOnce();
    for (let second = 0; second < seconds; second += 1) {
      elapsedMs += 1000;
      asked += (await runOnce()).asked;
    }
    return asked;
  };
}

const tell = (...messages: string[]) =>
  api.answer((_request, response) =>
    sendJson(response, 200, {
      items: messages.map((message) => ({
        metadata: { creationTimestamp: '2026-01-01T10:00:00Z' },
        message,
      })),
    }),
  );

const create = (id: string) => {
  stage.accept({ id, kubernetesName: `report-${id}` });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: `uid-of-${id}` });
  return id;
};

test('a job without a pod is asked about after five seconds, and shows why', async () => {
  const id = create('a');
  tell(refusal('a-1'));
  const watch = start();
  expect(await watch(4)).toBe(0);
  expect(await watch(1)).toBe(1);
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'CREATED',
    reason: 'FailedCreate',
    explanation: expect.stringContaining('violates PodSecurity'),
  });
});

test('it is asked about again after pauses that grow to a minute', async () => {
  create('a');
  tell();
  const watch = start();
  expect(await watch(5)).toBe(1);
  expect(await watch(5)).toBe(1);
  expect(await watch(10)).toBe(1);
  expect(await watch(20)).toBe(1);
  expect(await watch(600)).toBe(10);
});

test('the same reason for another try is not told again, and another reason is', async () => {
  const id = create('a');
  tell(refusal('a-1'));
  const watch = start();
  await watch(5);
  const before = stage.history(id).length;
  tell(refusal('a-2'));
  await watch(5);
  expect(stage.history(id)).toHaveLength(before);
  tell('Error creating: pods "a-3" is forbidden: exceeded quota: jobs, requested: pods=1, used: pods=200');
  await watch(10);
  expect(stage.history(id)).toHaveLength(before + 1);
  tell('Error creating: pods "a-4" is forbidden: exceeded quota: jobs, requested: pods=1, used: pods=201');
  await watch(20);
  expect(stage.history(id)).toHaveLength(before + 1);
  expect(stage.store.findJob(id)).toMatchObject({ reason: 'QuotaExceeded' });
});

test('a job that has a pod, or has none for a moment only, is never asked about', async () => {
  stage.store.observePod(create('a'), seenPod({ uid: 'pod', jobUid: 'uid-of-a' }));
  const quick = create('b');
  const watch = start();
  await watch(4);
  stage.store.observePod(quick, seenPod({ uid: 'pod-b', jobUid: 'uid-of-b' }));
  expect(await watch(60)).toBe(0);
});

test('of many jobs without a pod a few are asked about at a time, and each has its turn', async () => {
  const ids = Array.from({ length: 20 }, (_, nth) => create(`n${nth}`));
  tell(refusal('x'));
  const watch = start();
  expect(await watch(5)).toBe(4);
  expect(await watch(4)).toBe(16);
  expect(ids.map((id) => stage.store.findJob(id)?.reason)).toEqual(ids.map(() => 'FailedCreate'));
});

test('nothing is asked while a watch is broken', async () => {
  create('a');
  const watch = start();
  isSeeing = false;
  expect(await watch(60)).toBe(0);
  expect(api.requests).toEqual([]);
});

test('an ask that fails is told once, and tried again in its turn', async () => {
  const id = create('a');
  api.answer((_request, response) => sendStatus(response, 503, 'ServiceUnavailable'));
  const watch = start();
  expect(await watch(5)).toBe(1);
  expect(await watch(5)).toBe(1);
  expect(lines).toHaveLength(1);
  tell(refusal('a-1'));
  await watch(10);
  expect(stage.store.findJob(id)).toMatchObject({ reason: 'FailedCreate' });
});
