import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { findFaults } from './checker.ts';
import type { Asked } from './client.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const create = { method: 'POST', path: /\/jobs$/ } as const;
const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;
const jobsPath = '/apis/batch/v1/namespaces/default/jobs';
let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
  rig.service.start();
  await rig.service.untilReady();
});

afterEach(() => rig.proxy.calm());

afterAll(() => rig.stop());

const creates = () => rig.proxy.seen.filter(({ method, path }) => method === 'POST' && path === jobsPath);
const idOf = ({ answers }: Asked) => answers[0] ?? '';

/** Ends the pauses that a refusal leads to, some of which last for a minute. */
async function restart(): Promise<void> {
  await rig.service.kill();
  rig.service.start();
  await rig.service.untilReady();
}

/** The name that a job's Kubernetes Job has, or will have. */
async function kubernetesNameOf(id: string): Promise<string> {
  const job = z
    .object({ kubernetes: z.object({ name: z.string() }) })
    .parse(await rig.get(`/api/v1/jobs/${id}`));
  return job.kubernetes.name;
}

test('fault 6: a name that is taken by a foreign object leads to a new suffix, and the foreign object is left alone', async () => {
  rig.proxy.inject({ name: 'slow', ...create, times: 1, action: { kind: 'delay', ms: 1000 } });
  const asked = await rig.client.submit(keyed);
  const taken = await kubernetesNameOf(idOf(asked));
  const foreign = await rig.cluster.call('POST', jobsPath, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: taken },
    spec: {
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'x', image: 'x' }] } },
    },
  });
  const { state } = await rig.untilEnded(idOf(asked));
  expect(state).toBe('SUCCEEDED');
  const own = await kubernetesNameOf(idOf(asked));
  expect(own).not.toBe(taken);
  expect(own.slice(0, -10)).toBe(taken.slice(0, -10));
  expect(await rig.cluster.call('GET', `${jobsPath}/${taken}`)).toMatchObject({
    metadata: z.object({ metadata: z.object({ uid: z.string() }) }).parse(foreign).metadata,
    spec: { suspend: true },
  });
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 7: after twenty conflicts over the quota all jobs are created', async () => {
  const conflict = { code: 409, reason: 'Conflict', message: 'the object has been modified' };
  const refused = rig.proxy.inject({
    name: '409',
    ...create,
    times: 20,
    action: { kind: 'answer', with: conflict },
  });
  await Promise.all(Array.from({ length: 20 }, () => rig.client.submit(keyed)));
  await until(() => refused.hits() === 20, { timeoutMs: 50_000 });
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 7: while the quota is full jobs stay QUEUED and say so, and are created when there is room', async () => {
  const full = {
    code: 403,
    reason: 'Forbidden',
    message:
      'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1, used: 5, limited: 5',
  };
  rig.proxy.inject({ name: 'quota', ...create, action: { kind: 'answer', with: full } });
  const [first] = await Promise.all([rig.client.submit(keyed), rig.client.submit(keyed)]);
  const row = await rig.untilRow(idOf(first), ({ reason }) => reason === 'QuotaExceeded');
  expect(row.state).toBe('QUEUED');
  expect((await rig.service.readyz())?.text).toContain('quota is full');
  rig.proxy.calm();
  await restart();
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 8: in a storm of 429 creates go one at a time and no sooner than asked, and none is dropped', async () => {
  const before = creates().length;
  const busy = { code: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } };
  const refused = rig.proxy.inject({
    name: '429',
    ...create,
    times: 3,
    action: { kind: 'answer', with: busy },
  });
  await rig.client.submit(keyed);
  await until(() => refused.hits() === 1);
  await Promise.all(Array.from({ length: 10 }, () => rig.client.submit(keyed)));
  expect(findFaults(await rig.conclude())).toEqual([]);
  const times = creates()
    .slice(before, before + 4)
    .map(({ at }) => at);
  for (const [n, at] of times.entries()) expect(at - (times[n - 1] ?? 0)).toBeGreaterThan(950);
});

test('fault 9: a rotated token is read anew, for creates and for watches', async () => {
  const unauthorized = { code: 401, reason: 'Unauthorized' };
  const guard = (token: string) =>
    rig.proxy.inject({
      name: `token is not ${token}`,
      path: /^\//,
      unlessToken: token,
      action: { kind: 'answer', with: unauthorized },
    });
  rig.proxy.writeKubeconfig({ token: 'first' });
  const old = guard('first');
  await restart();
  old.remove();
  rig.proxy.writeKubeconfig({ token: 'second' });
  const refused = guard('second');
  // So that the watches have to sign in again as well.
  await rig.proxy.down();
  await rig.proxy.up();
  const asked = await rig.client.submit(keyed);
  expect(await rig.untilEnded(idOf(asked))).toMatchObject({ state: 'SUCCEEDED' });
  expect(refused.hits()).toBeGreaterThan(0);
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 9: without rights jobs are accepted and stay QUEUED, readiness is degraded, the log is loud, and the rights bring them back', async () => {
  const denied = { code: 403, reason: 'Forbidden', message: 'User "jobspawn" cannot create resource "jobs"' };
  const review = {
    code: 201,
    body: JSON.stringify({ kind: 'SelfSubjectAccessReview', status: { allowed: false } }),
  };
  rig.proxy.inject({ name: 'no right', ...create, action: { kind: 'answer', with: denied } });
  rig.proxy.inject({
    name: 'no right',
    path: /selfsubjectaccessreviews$/,
    action: { kind: 'answer', with: review },
  });
  const asked = await rig.client.submit(keyed);
  const row = await rig.untilRow(idOf(asked), ({ reason }) => reason === 'Forbidden');
  expect(row.state).toBe('QUEUED');
  const readiness = await rig.service.readyz();
  expect(readiness).toMatchObject({
    status: 200,
    text: expect.stringContaining('We lack the right to create Jobs'),
  });
  expect(rig.service.logLines().filter((line) => line.includes('"level":50'))).not.toEqual([]);

  // Accepted without rights, and still there after a kill without rights.
  const meanwhile = await rig.client.submit(keyed);
  await restart();
  expect(await rig.findRow(idOf(meanwhile))).toMatchObject({ state: 'QUEUED' });
  expect(rig.service.hasEnded()).toBe(false);
  rig.proxy.calm();
  expect(findFaults(await rig.conclude())).toEqual([]);
});
