import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { parseConfig } from '../../src/app/config.ts';
import { startApp } from '../../src/app/start-app.ts';
import type { App } from '../../src/app/start-app.ts';
import { jobSchema } from '../../src/core/job.ts';
import type { Job } from '../../src/core/job.ts';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { until } from '../support/until.ts';

const silent = pino({ level: 'silent' });
const images = { sh: { entrypoint: ['/bin/sh', '-c'], cmd: [], user: 65532 } };
const hourMs = 3_600_000;

let clusterDir: string;
let cluster: LocalCluster;
let dir: string;
let app: App | undefined;
let aheadMs: number;

beforeAll(async () => {
  clusterDir = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
  cluster = await startLocalCluster({ dataDir: clusterDir, images, log: silent, stopGraceMs: 100 });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(clusterDir, { recursive: true });
});

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'jobspawn-restore-'));
  aheadMs = 0;
});

afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true });
});

const database = () => join(dir, 'jobspawn.db');
const copy = () => join(dir, 'copy.db');
/** Once it is there, the job that holds the only place in the cluster ends. */
const gate = () => join(dir, 'gate');
const ledger = () => join(dir, 'ledger');

async function start(): Promise<void> {
  app = await startApp(
    parseConfig({
      PORT: '0',
      CLUSTER: 'kubeconfig',
      KUBECONFIG: cluster.kubeconfigPath,
      DATABASE_PATH: database(),
      WORKER_IMAGE: 'sh',
      MAX_ACTIVE: '1',
    }),
    { log: silent, clock: () => new Date(Date.now() + aheadMs), uptime: () => uptime() + aheadMs / 1000 },
  );
}

async function stop(): Promise<void> {
  await app?.stop();
  app = undefined;
}

async function ask(path: string, init: RequestInit = {}): Promise<Job> {
  const answer = await fetch(`${app?.url}${path}`, init);
  return jobSchema.parse(await answer.json());
}

function submit(script: string): Promise<Job> {
  const headers = { 'content-type': 'application/json' };
  return ask('/api/v1/jobs', {
    method: 'POST',
    headers,
    body: JSON.stringify({ name: 'job', args: [script] }),
  });
}

const look = (id: string) => ask(`/api/v1/jobs/${id}`);
const untilState = (id: string, state: string) =>
  until(async () => (await look(id)).state === state, { timeoutMs: 60_000 });
const runs = () => (existsSync(ledger()) ? readFileSync(ledger(), 'utf8').trim().split('\n').length : 0);
const openGate = () => writeFileSync(gate(), '');

/** A backup in which a job waits that would write a line into the ledger. */
async function backUpWhileItWaits(): Promise<string> {
  await start();
  const { id: first } = await submit(`while [ ! -e ${gate()} ]; do sleep 0.05; done`);
  await untilState(first, 'RUNNING');
  const { id } = await submit(`echo ran >> ${ledger()}`);
  const backup = spawn(process.execPath, ['src/app/backup.ts', copy()], {
    env: { PATH: process.env['PATH'], DATABASE_PATH: database() },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(backup, 'exit');
  expect(await look(id)).toMatchObject({ state: 'QUEUED' });
  return id;
}

/** As docs/operations.md says. */
async function restore(): Promise<void> {
  await stop();
  for (const suffix of ['-wal', '-shm']) rmSync(database() + suffix, { force: true });
  copyFileSync(copy(), database());
}

test('a restored backup takes up a job that ran since, and does not run it again', async () => {
  const id = await backUpWhileItWaits();
  openGate();
  await untilState(id, 'SUCCEEDED');
  const { kubernetes } = await look(id);
  await restore();
  await start();
  await untilState(id, 'SUCCEEDED');
  expect((await look(id)).kubernetes.uid).toBe(kubernetes.uid);
  expect(runs()).toBe(1);
});

test('a restored backup loses a job that came and went since, rather than run it again', async () => {
  const id = await backUpWhileItWaits();
  openGate();
  await untilState(id, 'SUCCEEDED');
  const { name } = (await look(id)).kubernetes;
  const path = `/apis/batch/v1/namespaces/default/jobs/${name}`;
  const gone = await fetch(`${cluster.url}${path}?propagationPolicy=Background`, { method: 'DELETE' });
  expect(gone.status).toBe(200);
  await restore();
  aheadMs = 2 * hourMs;
  await start();
  await until(
    async () => {
      // A create of before might arrive late, which is waited for as well.
      aheadMs += 61_000;
      return (await look(id)).state !== 'QUEUED';
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
  expect(await look(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown' });
  expect((await fetch(`${cluster.url}${path}`)).status).toBe(404);
  expect(runs()).toBe(1);
});

test('a restored backup runs a job that was not sent since, within its TTL', async () => {
  const id = await backUpWhileItWaits();
  await restore();
  openGate();
  await start();
  await until(
    async () => {
      // Well within the TTL, a create of before could by now no longer arrive.
      aheadMs += 61_000;
      return (await look(id)).state === 'SUCCEEDED';
    },
    { timeoutMs: 60_000, everyMs: 1000 },
  );
  expect(runs()).toBe(1);
});
