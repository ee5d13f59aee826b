import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createLastWords } from '../../src/control/last-words.ts';
import type { PodObservation } from '../../src/core/facts.ts';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { toSeenJob } from '../../src/kube/observation.ts';
import type { SeenJob, SeenPod } from '../../src/kube/observation.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';

const log = pino({ level: 'silent' });
const startedAt = '2026-01-01T00:00:00Z';
const pod: PodObservation = {
  uid: 'pod-uid',
  name: 'a-job-bcdfghjklm-x',
  jobUid: 'job-uid',
  jobName: 'a-job-bcdfghjklm',
  index: 0,
  phase: 'Running',
  createdAt: startedAt,
  startedAt,
  finishedAt: null,
  exitCode: null,
  restarts: 0,
  reason: null,
  message: null,
  terminationMessage: null,
  deletedAt: null,
  orphaned: false,
};

let dir: string;
let store: Store;
let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let logs: ServerResponse[];
let now: number;
const jobs = new Map<string, SeenJob>();
const pods = new Map<string, SeenPod>();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'last-words-'));
  now = Date.parse(startedAt);
  store = openStore({ path: join(dir, 'jobs.db'), clock: () => new Date(now), log });
  const spec = toJobSpec(jobRequestSchema.parse({ name: 'a job' }), 'worker');
  const names = { namespace: 'jobs', generateName: 'a-job-', kubernetesName: 'a-job-bcdfghjklm' };
  store.acceptJob({
    idGiven: true,
    id: 'a',
    name: 'a job',
    spec,
    requestHash: 'a',
    idempotencyKey: null,
    rerunOf: null,
    ...names,
  });
  store.claimDispatch('a');
  store.settleCreated('a', { uid: 'job-uid' });
  see({});
  const metadata = {
    uid: 'job-uid',
    name: 'a-job-bcdfghjklm',
    namespace: 'jobs',
    creationTimestamp: startedAt,
  };
  const status = { startTime: startedAt, active: 1 };
  jobs.set('job-uid', toSeenJob({ metadata, spec: { activeDeadlineSeconds: 60 }, status }));
  logs = [];
  api = await startFakeApi(({ path }, response) => {
    if (!path.endsWith('/log')) return sendPod(response);
    response.writeHead(200).flushHeaders();
    logs.push(response);
  });
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

/** What the cluster says of the pod itself; it knows of an end at once. */
function sendPod(response: ServerResponse): void {
  const seen = pods.get(pod.uid)?.observation;
  if (seen === undefined) return sendStatus(response, 404, 'NotFound');
  const { uid, name, jobUid, restarts } = seen;
  sendJson(response, 200, {
    metadata: {
      uid,
      name,
      namespace: 'jobs',
      creationTimestamp: startedAt,
      ownerReferences: [{ kind: 'Job', uid: jobUid, controller: true }],
    },
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'main',
          restartCount: restarts,
          state: logs.length > 0 ? { terminated: { exitCode: 1 } } : {},
        },
      ],
    },
  });
}

/** A look at the pod, as both the watch and the store have it. */
function see(change: Partial<PodObservation>): void {
  const observation = { ...pod, ...change };
  pods.set(pod.uid, { jobId: 'a', observation });
  store.observePod('a', observation);
}

function start() {
  const kube = createKube({ connection, namespace: 'jobs', log });
  return createLastWords({
    store,
    kube,
    log,
    clock: () => new Date(now),
    signal: stop.signal,
    jobs: () => jobs,
    pods: () => pods,
  });
}

test('a pod is listened to shortly before its deadline, once', async () => {
  const lastWords = start();
  now += 50_000;
  expect(lastWords.runOnce()).toEqual({ listening: 0 });
  now += 8000;
  expect(lastWords.runOnce()).toEqual({ listening: 1 });
  expect(lastWords.runOnce()).toEqual({ listening: 1 });
  await until(() => logs.length === 1);
  logs[0]?.write('2026-01-01T00:00:58Z hi\n');
  pods.delete(pod.uid);
  logs[0]?.end('2026-01-01T00:01:00Z bye\n');
  await lastWords.idle();
  expect(store.findLog(pod.uid)?.toString()).toBe('hi\nbye\n');
  expect(logs).toHaveLength(1);
});

test('a container that is started again has not spoken its last words', async () => {
  const lastWords = start();
  void lastWords.listen('job-uid');
  await until(() => logs.length === 1);
  logs[0]?.end('2026-01-01T00:00:58Z first run\n');
  see({ restarts: 1 });
  await lastWords.idle();
  expect(store.findLog(pod.uid)).toBeUndefined();
});

test('the word that the pod was ended may come after the end of its log', async () => {
  const lastWords = start();
  void lastWords.listen('job-uid');
  await until(() => logs.length === 1);
  logs[0]?.end('2026-01-01T00:00:58Z bye\n');
  see({ deletedAt: startedAt });
  await lastWords.idle();
  expect(store.findLog(pod.uid)?.toString()).toBe('bye\n');
});

test('who waits for what is heard of a pod finds it in the store', async () => {
  const lastWords = start();
  await lastWords.listen('job-uid');
  await until(() => logs.length === 1);
  logs[0]?.end('2026-01-01T00:00:58Z bye\n');
  const heard = lastWords.untilHeard(pod.uid);
  expect(store.findLog(pod.uid)).toBeUndefined();
  pods.delete(pod.uid);
  await heard;
  expect(store.findLog(pod.uid)?.toString()).toBe('bye\n');
  await lastWords.untilHeard(pod.uid);
});

test('a delete waits until the log is open, but not for a pod that is silent', async () => {
  await start().listen('job-uid');
  expect(logs).toHaveLength(1);
});

test('nobody is listened to who does not run, or is of another Job', async () => {
  const lastWords = start();
  await lastWords.listen('another-job');
  see({ phase: 'Pending', startedAt: null });
  await lastWords.listen('job-uid');
  expect(lastWords.runOnce()).toEqual({ listening: 0 });
});
