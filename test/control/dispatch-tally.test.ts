import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { commandLine } from '../../src/core/access.ts';
import { createDispatcher } from '../../src/control/dispatcher.ts';
import { createIntake } from '../../src/control/intake.ts';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { openStore } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { sendStatus } from '../kube/fake-api.ts';
import { lostAnswer, startScriptedCluster } from './scripted-cluster.ts';
import { anySpec } from '../support/any-spec.ts';

const log = pino({ level: 'silent' });
const clock = () => new Date(now);
const random = (bytes: Uint8Array) => randomFillSync(bytes);

let dir: string;
let store: Store;
let cluster: Awaited<ReturnType<typeof startScriptedCluster>>;
let connection: Connection;
let stop: AbortController;
let now: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tally-'));
  now = Date.parse('2026-01-01T00:00:00Z');
  store = openStore({ path: join(dir, 'jobs.db'), clock, log });
  cluster = await startScriptedCluster();
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await cluster.close();
  store.close();
  rmSync(dir, { recursive: true });
});

function startDispatcher(overrides: Partial<Store> = {}) {
  const dispatcher = createDispatcher({
    store: { ...store, ...overrides },
    kube: createKube({ connection, namespace: 'jobs', log, clock }),
    tokens: { issue: () => 'a-token' },
    callbackUrl: 'http://127.0.0.1:1',
    maxActive: 100,
    log,
    clock,
    random,
    signal: stop.signal,
    stopping: stop.signal,
  });
  return {
    /** What this run adds, by outcome. */
    run: async () => {
      const before = dispatcher.outcomes();
      await dispatcher.runOnce();
      await dispatcher.idle();
      const added = Object.entries(dispatcher.outcomes()).map(([outcome, count]): [string, number] => [
        outcome,
        count - (before[outcome] ?? 0),
      ]);
      return Object.fromEntries(added.filter(([, count]) => count !== 0));
    },
  };
}

async function accept(): Promise<string> {
  const intake = createIntake({
    store,
    clock,
    random,
    workerImage: 'worker',
    namespace: 'jobs',
    specPolicy: anySpec,
    maxQueued: 1000,
  });
  const { job } = await intake.accept(jobRequestSchema.parse({ name: 'a job' }), {
    idempotencyKey: null,
    by: commandLine,
  });
  return job.id;
}

const refuse = (code: number, reason: string, message?: string) => (response: ServerResponse) =>
  sendStatus(response, code, reason, { message });

test.each([
  ['refused', refuse(422, 'Invalid')],
  ['quota', refuse(403, 'Forbidden', 'exceeded quota: jobs')],
  ['quota-race', refuse(409, 'Conflict')],
  ['slow-down', refuse(429, 'TooManyRequests')],
  ['no-namespace', refuse(404, 'NotFound')],
  ['policy-fault', refuse(422, 'Invalid', 'denied request: failed to configure binding: no params found')],
  ['unknown', lostAnswer],
])(
  'a create with the outcome %s is counted as such, and the next one as created',
  async (outcome, answer) => {
    await accept();
    cluster.failNext({ when: 'before', answer });
    const dispatcher = startDispatcher();
    expect(await dispatcher.run()).toEqual({ [outcome]: 1 });
    await accept();
    now += 61_000;
    expect(await dispatcher.run()).toEqual({ created: 1 });
  },
);

test('a want of rights is told from a refusal', async () => {
  await accept();
  cluster.grant(false);
  cluster.failNext({ when: 'before', answer: refuse(403, 'Forbidden', 'cannot create') });
  expect(await startDispatcher().run()).toEqual({ forbidden: 1 });
});

test('a create that finds our own Job is counted as adopted, and no second one as created', async () => {
  await accept();
  const dispatcher = startDispatcher();
  cluster.failNext({ when: 'after', answer: lostAnswer });
  expect(await dispatcher.run()).toEqual({ unknown: 1 });
  now += 5000;
  expect(await dispatcher.run()).toEqual({ adopted: 1 });
});

test("somebody else's object under the name is counted as renamed", async () => {
  const id = await accept();
  const name = store.findJob(id)?.kubernetes.name ?? '';
  cluster.jobs.set(name, { uid: 'theirs', labels: {}, suspend: false });
  const dispatcher = startDispatcher();
  expect(await dispatcher.run()).toEqual({ renamed: 1 });
  expect(await dispatcher.run()).toEqual({ created: 1 });
});

test('a claim of long ago whose Job is not there is counted as lost', async () => {
  const id = await accept();
  store.claimDispatch(id);
  now += 86_400_000;
  const dispatcher = startDispatcher();
  expect(await dispatcher.run()).toEqual({ unknown: 1 });
  now += 61_000;
  expect(await dispatcher.run()).toEqual({ lost: 1 });
});

test('a cluster that cannot be reached is told from one that does not answer', async () => {
  await accept();
  await cluster.close();
  expect(await startDispatcher().run()).toEqual({ unsent: 1 });
  cluster = await startScriptedCluster();
});

test('a try that breaks off on our own side is counted as failed, and its Job as adopted later', async () => {
  await accept();
  let isFull = true;
  const dispatcher = startDispatcher({
    settleCreated: (...created) => {
      if (isFull) throw new Error('disk full');
      store.settleCreated(...created);
    },
  });
  expect(await dispatcher.run()).toEqual({ failed: 1 });
  isFull = false;
  now += 5000;
  expect(await dispatcher.run()).toEqual({ adopted: 1 });
});
