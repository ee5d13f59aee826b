import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { findFaults } from './checker.ts';
import type { Wish } from './client.ts';
import { readDatabase } from './database-image.ts';
import { chooseSeed, createDice } from './dice.ts';
import { findPodToken } from './pod-token.ts';
import { startReportProxy } from './report-proxy.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const seed = chooseSeed();
let rig: Rig;
let reports: Awaited<ReturnType<typeof startReportProxy>>;

beforeAll(async () => {
  reports = await startReportProxy({ dice: createDice(seed), target: () => rig.service.url });
  rig = await startRig({ seed, env: { CALLBACK_URL: reports.url } });
  rig.service.start();
  await rig.service.untilReady();
});

afterAll(async () => {
  await reports.stop();
  await rig.stop();
});

/** A worker that has much to say. */
function toTalkative(outcome: Wish['outcome']): Wish {
  const work = rig.ledger.script(rig.client.asked.length + 1, {
    seconds: 0,
    exitCode: outcome === 'SUCCEEDED' ? 0 : 3,
  });
  const script = `for n in 10 40 70; do echo JOBSPAWN_PROGRESS $n; sleep 0.6; done; ${work}`;
  return {
    outcome,
    handle: 'key',
    fields: { command: [], args: ['exec', '--heartbeat', '300ms', '--', 'sh', '-c', script] },
  };
}

test('fault 15: reports that are lost, doubled and reordered on their way lead to the one true end', async () => {
  for (const outcome of ['SUCCEEDED', 'FAILED', 'SUCCEEDED', 'FAILED', 'SUCCEEDED', 'SUCCEEDED'] as const)
    await rig.client.submit(toTalkative(outcome));
  const verdict = await rig.conclude();
  await reports.quiet();
  expect({ seed, faults: findFaults(verdict) }).toEqual({ seed, faults: [] });
  // Also after the last echo.
  for (const { answers, outcome } of rig.client.asked)
    expect({ seed, ...(await findJob(answers[0] ?? '')) }).toMatchObject({
      state: outcome,
      report: { status: outcome === 'SUCCEEDED' ? 'SUCCESS' : 'ERROR' },
      discrepancy: null,
    });
  const said = [...reports.counts().values()].reduce((sum, n) => sum + n, 0);
  expect(said - (reports.counts().get('well') ?? 0)).toBeGreaterThan(10);
});

const jobSchema = z.object({
  state: z.string(),
  report: z.object({ status: z.string() }),
  discrepancy: z.string().nullable(),
});
const findJob = async (id: string) => jobSchema.parse(await rig.get(`/api/v1/jobs/${id}`));

const accept = async (request: unknown) =>
  z.object({ id: z.string() }).parse(JSON.parse((await post(`${rig.service.url}/api/v1/jobs`, request)).text))
    .id;

const report = (body: unknown, token: string | undefined, path = '/status') =>
  post(rig.service.url + path, body, token === undefined ? {} : { authorization: `Bearer ${token}` });

const look = () => readDatabase(rig.service.databasePath);

/** The log of a job that has ended, for one, is still on its way. */
async function untilQuiet(): Promise<void> {
  await until(async () => {
    const before = look();
    await delay(1500);
    return isDeepStrictEqual(before, look());
  });
}

describe('fault 18: a report that is', () => {
  /** Two jobs that work, with a claim on the first, and one that has ended well. */
  let [ours, theirs, ended] = ['', '', ''];
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    await rig.service.kill();
    rig.service.start();
    await rig.service.untilReady();
    const work = { name: 'works', command: ['sh', '-c', 'sleep 600'] };
    [ours, theirs, ended] = await Promise.all([
      accept(work),
      accept(work),
      accept({ name: 'ends', command: ['sh', '-c', 'exit 0'] }),
    ]);
    await rig.untilEnded(ended);
    for (const id of [ours, theirs]) await rig.untilRow(id, ({ state }) => state === 'RUNNING');
    for (const id of [ours, theirs, ended]) tokens.set(id, await findPodToken(rig.cluster, id));
    const holder = z
      .object({ tasks: z.array(z.object({ attempts: z.array(z.object({ podUid: z.string() })) })) })
      .parse(await rig.get(`/api/v1/jobs/${ours}`)).tasks[0]?.attempts[0]?.podUid;
    expect(
      await report({ 'job-id': ours, status: 'begun', 'pod-uid': holder }, tokens.get(ours)),
    ).toMatchObject({ status: 200 });
    await untilQuiet();
  });

  test.each<[string, number, () => ReturnType<typeof report>]>([
    ['without a token', 401, () => report({ 'job-id': ours, status: 'SUCCESS' }, undefined)],
    ['forged', 401, () => report({ 'job-id': ours, status: 'SUCCESS' }, 'A'.repeat(43))],
    [
      'with a token that was cut',
      401,
      () => report({ 'job-id': ours, status: 'ERROR' }, tokens.get(ours)?.slice(0, -1)),
    ],
    [
      'with the token of another job',
      401,
      () => report({ 'job-id': ours, status: 'SUCCESS' }, tokens.get(theirs)),
    ],
    [
      'with the token of another job in the address, which the body contradicts',
      400,
      () =>
        report(
          { 'job-id': ours, status: 'SUCCESS' },
          undefined,
          `/status?job-id=${theirs}&token=${tokens.get(theirs)}`,
        ),
    ],
    ['on a job that is none', 401, () => report({ 'job-id': 'none', status: 'SUCCESS' }, tokens.get(ours))],
    [
      'oversized',
      413,
      () => report({ 'job-id': ours, status: 'SUCCESS', message: 'm'.repeat(200_000) }, tokens.get(ours)),
    ],
    [
      'with a result that is too large',
      400,
      () => report({ 'job-id': ours, status: 'SUCCESS', result: 'r'.repeat(70_000) }, tokens.get(ours)),
    ],
    [
      'on a task that there is not',
      400,
      () => report({ 'job-id': ours, status: 'SUCCESS', task: 1 }, tokens.get(ours)),
    ],
  ])('%s is a %i, and not one row has changed', async (_kind, status, send) => {
    const before = look();
    expect(await send()).toMatchObject({ status, type: 'application/problem+json; charset=utf-8' });
    expect(look()).toEqual(before);
  });

  test('replayed by a pod that does not hold the claim is a 409, and changes nothing', async () => {
    const before = look();
    expect(
      await report({ 'job-id': ours, status: 'SUCCESS', 'pod-uid': 'somebody' }, tokens.get(ours)),
    ).toMatchObject({ status: 409 });
    expect(look()).toEqual(before);
  });

  test('late and against the end is a 409, and changes nothing but that the job tells of it', async () => {
    const rowOf = () => look()['jobs']?.find((row) => z.object({ id: z.string() }).parse(row).id === ended);
    const before = rowOf();
    expect(await report({ 'job-id': ended, status: 'ERROR' }, tokens.get(ended))).toMatchObject({
      status: 409,
    });
    expect(rowOf()).toEqual({
      ...z.looseObject({}).parse(before),
      discrepancy: expect.stringContaining('after the job had ended'),
    });
  });
});
