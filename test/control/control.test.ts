import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { commandLine } from '../../src/core/access.ts';
import { parseConfig } from '../../src/app/config.ts';
import { startControl } from '../../src/control/control.ts';
import type { Control } from '../../src/control/control.ts';
import { createIntake } from '../../src/control/intake.ts';
import type { Job } from '../../src/core/job.ts';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { isFinal } from '../../src/core/job-state.ts';
import { createKube } from '../../src/kube/cluster.ts';
import type { Kube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { toJobManifest } from '../../src/kube/job-manifest.ts';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { anySpec } from '../support/any-spec.ts';
import { until } from '../support/until.ts';

const silent = pino({ level: 'silent' });
const clock = () => new Date();
const random = (bytes: Uint8Array) => randomFillSync(bytes);
const { signal } = new AbortController();

let clusterDir: string;
let cluster: LocalCluster;
let dir: string;
let connection: Connection;
let kube: Kube;
let store: Store;
let control: Control | undefined;
let lines: string[];

beforeAll(async () => {
  clusterDir = mkdtempSync(join(tmpdir(), 'control-cluster-'));
  const images = { sh: { entrypoint: ['/bin/sh', '-c'], cmd: [], user: 65532 } };
  cluster = await startLocalCluster({
    dataDir: clusterDir,
    images,
    log: silent,
    stopGraceMs: 100,
    backoff: { initialMs: 100, maxMs: 500 },
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(clusterDir, { recursive: true });
});

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'control-'));
  store = openStore({ path: join(dir, 'jobs.db'), clock, log: silent });
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  lines = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  kube = createKube({ connection, namespace: 'default', log });
  start();
});

afterEach(async () => {
  await control?.stop();
  await connection.close();
  store.close();
  rmSync(dir, { recursive: true });
});

function start(environment: Record<string, string> = {}): void {
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const tokens = { issue: () => 'a-token' };
  control = startControl({
    store,
    kube,
    tokens,
    callbackUrl: 'http://127.0.0.1:1',
    maxActive: 10,
    startDeadlineSeconds: 600,
    keep: parseConfig(environment).keep,
    log,
    clock,
    random,
  });
}

async function stop(): Promise<void> {
  await control?.stop();
  control = undefined;
}

async function submit(script: string, request: Record<string, unknown> = {}): Promise<string> {
  const names = { workerImage: 'sh', namespace: 'default' };
  const intake = createIntake({ store, clock, random, ...names, specPolicy: anySpec, maxQueued: 1000 });
  const asked = jobRequestSchema.parse({ name: 'a job', args: [script], ...request });
  return (await intake.accept(asked, { idempotencyKey: null, by: commandLine })).job.id;
}

function get(id: string): Job {
  const job = store.findJob(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

async function untilEnd(id: string): Promise<Job> {
  await until(() => isFinal(get(id).state));
  return get(id);
}

/** The kept log of the job's only pod. */
async function keptLog(id: string): Promise<string> {
  const podUid = get(id).tasks[0]?.attempts[0]?.podUid ?? '';
  return (await until(() => store.findLog(podUid))).toString();
}

test('a job runs to its end, its pod is known and its log is kept', async () => {
  const id = await submit('echo hello');
  expect(await untilEnd(id)).toMatchObject({
    state: 'SUCCEEDED',
    kubernetes: { succeeded: 1 },
    tasks: [{ index: 0, attempts: [{ phase: 'Succeeded', exitCode: 0 }] }],
  });
  expect(await keptLog(id)).toBe('hello\n');
  expect(lines).toEqual([]);
});

test('a job whose Job is deleted without its pod ends when the pod does, and its log is kept', async () => {
  const id = await submit('echo begun; sleep 1; echo done');
  await until(() => get(id).state === 'RUNNING');
  const path = `/apis/batch/v1/namespaces/default/jobs/${get(id).kubernetes.name}`;
  const query = { propagationPolicy: 'Orphan' };
  await connection.call({ method: 'DELETE', path, query }, AbortSignal.timeout(10_000));
  expect(await untilEnd(id)).toMatchObject({
    state: 'SUCCEEDED',
    tasks: [{ index: 0, attempts: [{ phase: 'Succeeded', exitCode: 0 }] }],
  });
  expect(await keptLog(id)).toBe('begun\ndone\n');
  expect(store.countInCluster()).toBe(0);
});

test('a job that fails says with which exit code', async () => {
  const id = await submit('echo oh no; exit 3');
  expect(await untilEnd(id)).toMatchObject({
    state: 'FAILED',
    reason: 'BackoffLimitExceeded',
    explanation: expect.stringContaining('code 3'),
  });
  expect(await keptLog(id)).toBe('oh no\n');
});

test('a cancelled job is stopped, and its last words are kept', async () => {
  const id = await submit('trap "echo bye; exit 1" TERM; echo hi; while :; do sleep 0.05; done');
  await until(() => get(id).state === 'RUNNING');
  store.requestCancel(id, 'User');
  expect(await untilEnd(id)).toMatchObject({ state: 'CANCELLED', reason: 'Cancelled' });
  expect(await keptLog(id)).toContain('bye');
});

test('a job that outlives its deadline fails, and its log does not go with its pod', async () => {
  const id = await submit('echo hi; exec sleep 60', { activeDeadlineSeconds: 2 });
  expect(await untilEnd(id)).toMatchObject({ state: 'FAILED', reason: 'DeadlineExceeded' });
  expect(await keptLog(id)).toBe('hi\n');
});

test('a job that dies at once when it is cancelled leaves its log all the same', async () => {
  const id = await submit('echo hi; exec sleep 60');
  await until(() => get(id).state === 'RUNNING');
  store.requestCancel(id, 'User');
  expect(await untilEnd(id)).toMatchObject({ state: 'CANCELLED' });
  expect(await keptLog(id)).toBe('hi\n');
});

test('a job whose image is not to be had says so while it waits', async () => {
  const id = await submit('true', { image: 'registry.example.com/nothing:1' });
  await until(() => ['ErrImagePull', 'ImagePullBackOff'].includes(get(id).reason ?? ''));
  expect(get(id).state).toBe('CREATED');
  store.requestCancel(id, 'User');
  expect(await untilEnd(id)).toMatchObject({ state: 'CANCELLED' });
});

test('each task of an Indexed job is known by its index', async () => {
  const id = await submit('echo "task $CLOUD_RUN_TASK_INDEX of $CLOUD_RUN_TASK_COUNT"', {
    completionMode: 'Indexed',
    completions: 3,
    parallelism: 3,
  });
  const { state, tasks } = await untilEnd(id);
  expect(state).toBe('SUCCEEDED');
  expect(tasks.map(({ index }) => index)).toEqual([0, 1, 2]);
  for (const { index, attempts } of tasks) {
    const text = await until(() => store.findLog(attempts[0]?.podUid ?? ''));
    expect(text.toString()).toBe(`task ${index} of 3\n`);
  }
});

test('a Job that somebody deletes is lost', async () => {
  const id = await submit('sleep 60');
  await until(() => get(id).state === 'RUNNING');
  const { name, uid } = get(id).kubernetes;
  await kube.deleteJob(name, uid ?? '', signal);
  expect(await untilEnd(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown' });
});

test('what happened while nobody looked is seen afterwards', async () => {
  const [ends, leaves] = [await submit('sleep 0.3; echo done'), await submit('sleep 60')];
  await until(() => get(ends).state === 'RUNNING' && get(leaves).state === 'RUNNING');
  await stop();
  const { name, uid } = get(leaves).kubernetes;
  await kube.deleteJob(name, uid ?? '', signal);
  await until(
    async () => (await kube.findJob(get(ends).kubernetes.name, signal))?.observation.succeeded === 1,
  );
  start();
  expect(await untilEnd(ends)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await untilEnd(leaves)).toMatchObject({ state: 'LOST' });
  expect(await keptLog(ends)).toBe('done\n');
});

test('a job that was accepted while nobody dispatched is created afterwards', async () => {
  await stop();
  const id = await submit('true');
  start();
  expect(await untilEnd(id)).toMatchObject({ state: 'SUCCEEDED' });
});

test('what is more than is kept is removed', async () => {
  await stop();
  const [first, second] = [await submit('true'), await submit('true')];
  for (const id of [first, second]) store.requestCancel(id, 'User');
  start({ KEEP_JOBS: '1' });
  await until(() => store.findJob(first) === undefined);
  expect(get(second).state).toBe('CANCELLED');
});

test('a Job with our label and no row is told, and left alone', async () => {
  await stop();
  const spec = toJobSpec(jobRequestSchema.parse({ name: 'x', args: ['true'] }), 'sh');
  const item = {
    id: 'nobody',
    name: 'x',
    spec,
    namespace: 'default',
    generateName: 'orphan-',
    kubernetesName: 'orphan-of-nobody',
  };
  await kube.createJob(toJobManifest({ item, callbackUrl: 'http://127.0.0.1:1', token: 't' }), signal);
  start();
  await until(() => lines.some((line) => line.includes('orphan-of-nobody')));
  expect(await kube.findJob('orphan-of-nobody', signal)).toBeDefined();
});

test('is ready after the first look at the cluster, and says what does not work later', async () => {
  await until(() => control?.readiness().ready);
  expect(control?.readiness()).toMatchObject({ ready: true, degraded: [] });
  await connection.close();
  await until(() => control?.readiness().degraded.some((sentence) => sentence.startsWith('Jobs')));
  expect(control?.readiness()).toMatchObject({
    ready: true,
    degraded: expect.arrayContaining([expect.stringMatching(/^Jobs cannot be watched: .+\.$/)]),
  });
});

test('a stop waits for creates under way, so that none is left in doubt', async () => {
  await until(() => control?.readiness().ready);
  const ids = await Promise.all(Array.from({ length: 10 }, () => submit('true')));
  await new Promise(setImmediate);
  await stop();
  const claimed = store.listUnsettled().filter(({ id }) => ids.includes(id));
  expect(claimed.every(({ uid }) => uid !== null)).toBe(true);
});
