import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { findFaults } from './checker.ts';
import { findPodToken } from './pod-token.ts';
import { limitProcess } from './process-limits.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
  rig.service.start();
  await rig.service.untilReady();
});

afterAll(async () => {
  await rig.stop();
});

const wish = { outcome: 'SUCCEEDED', handle: 'key' } as const;
const problem = { status: 503, type: 'application/problem+json; charset=utf-8' };

test('fault 4: while the disk takes nothing, jobs and reports get a 503 and no 202; afterwards everything goes on, each job once', async () => {
  const url = rig.service.url;
  await rig.client.submit(wish);
  // Its worker finds the disk full when it has done its work, and comes again.
  const working = await rig.client.submit({ ...wish, speaks: true, seconds: 2 });
  const [id = ''] = working.answers;
  const hasSigned = (as: 'start' | 'end') =>
    rig.ledger.read().some(({ number, kind }) => number === working.number && kind === as);
  await until(() => hasSigned('start'));
  const token = await findPodToken(rig.cluster, id);

  await limitProcess(rig.service.pid(), 'fsize', 4096);
  const refused = await post(`${url}/api/v1/jobs`, { name: 'no room' });
  expect(refused).toMatchObject(problem);
  expect(JSON.parse(refused.text)).toMatchObject({
    status: 503,
    detail: 'The database cannot be written at the moment.',
  });
  expect(
    await post(`${url}/status`, { 'job-id': id, status: 'still here' }, { authorization: `Bearer ${token}` }),
  ).toMatchObject(problem);
  expect(await rig.findRow(id)).toMatchObject({ state: 'RUNNING' });
  const patient = [1, 2, 3].map(() => rig.client.submit(wish));
  await until(() => hasSigned('end'));

  await limitProcess(rig.service.pid(), 'fsize', 'unlimited');
  for (const { tries } of await Promise.all(patient)) expect(tries).toBeGreaterThan(1);
  expect(findFaults(await rig.conclude())).toEqual([]);
  expect((await rig.listRows()).map(({ name }) => name)).not.toContain('no room');
  expect(await rig.get(`/api/v1/jobs/${id}`)).toMatchObject({ report: { status: 'SUCCESS' } });
});
