import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { runWorker } from '../job-worker/worker-process.ts';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { findPodToken } from './pod-token.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const jobsPath = '/apis/batch/v1/namespaces/default/jobs';
const jobSchema = z.object({
  state: z.string(),
  reason: z.string().nullable(),
  explanation: z.string().nullable(),
  kubernetes: z.object({ name: z.string(), uid: z.string().nullable() }),
});
const uidSchema = z.object({ metadata: z.object({ uid: z.string() }) });
let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

async function start(): Promise<void> {
  rig.service.start();
  await rig.service.untilReady();
}

beforeEach(start);

afterEach(() => rig.service.kill());

afterAll(() => rig.stop());

const find = async (id: string) => jobSchema.parse(await rig.get(`/api/v1/jobs/${id}`));
const startsOf = (number: number) =>
  rig.ledger.read().filter((entry) => entry.kind === 'start' && entry.number === number).length;

/** A job that runs for so long, as soon as it is seen to run. */
async function run(seconds: number, speaks = false) {
  const { number, answers } = await rig.client.submit({
    outcome: 'SUCCEEDED',
    handle: 'key',
    seconds,
    speaks,
  });
  const id = answers[0] ?? '';
  await rig.untilRow(id, ({ state }) => state === 'RUNNING');
  await until(() => startsOf(number) === 1);
  const { kubernetes } = await find(id);
  return { id, number, name: kubernetes.name, uid: kubernetes.uid };
}

/** As the TTL controller does, or somebody with kubectl; waits until it is gone. */
async function removeJob(name: string): Promise<void> {
  await rig.cluster.call('DELETE', `${jobsPath}/${name}?propagationPolicy=Background`);
  await until(async () => (await rig.cluster.listJobs()).every(({ metadata }) => metadata.name !== name));
}

const hasLeft = (number: number) =>
  until(() => rig.ledger.read().some((entry) => entry.kind === 'end' && entry.number === number));

test('fault 13: a Job that somebody deletes is LOST and says why, and one made again under its name tells nothing of it', async () => {
  const { id, number, name, uid } = await run(60);
  await removeJob(name);
  const other = await rig.cluster.call('POST', jobsPath, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'jobspawn', 'jobspawn.dev/job-id': id },
    },
    spec: {
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'main', image: 'jobspawn-worker', command: ['true'] }],
        },
      },
    },
  });
  expect(uidSchema.parse(other).metadata.uid).not.toBe(uid);
  const lost = {
    state: 'LOST',
    reason: 'OutcomeUnknown',
    explanation: 'The Job left the cluster before anyone saw how it ended.',
    kubernetes: { uid },
  };
  await rig.untilEnded(id);
  expect(await find(id)).toMatchObject(lost);

  // The other one succeeds, before and after a full compare by the next life.
  await until(async () =>
    JSON.stringify(await rig.cluster.call('GET', `${jobsPath}/${name}`)).includes('"succeeded":1'),
  );
  await rig.service.kill();
  await start();
  expect(await find(id)).toMatchObject(lost);
  expect(startsOf(number)).toBe(1);
});

test('fault 14: a Job that ended and left while the service was down is LOST without a word of its worker, and does not run again', async () => {
  const { id, number, name } = await run(1);
  await rig.service.kill();
  await hasLeft(number);
  await removeJob(name);
  await start();
  await rig.untilEnded(id);
  expect(await find(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown' });
  expect(startsOf(number)).toBe(1);
});

test('fault 14: one whose worker had reported SUCCESS before that is SUCCEEDED', async () => {
  const { id, number, name } = await run(2);
  const token = await findPodToken(rig.cluster, id);
  const said = { 'job-id': id, status: 'SUCCESS' };
  const { status } = await post(`${rig.service.url}/status`, said, { authorization: `Bearer ${token}` });
  expect(status).toBe(200);
  await rig.service.kill();
  await hasLeft(number);
  await removeJob(name);
  await start();
  expect(await rig.untilEnded(id)).toMatchObject({ state: 'SUCCEEDED' });
  expect(startsOf(number)).toBe(1);
});

test('fault 17: a pod that is started a second time is told 409, and its worker leaves without having run', async () => {
  const { id, number } = await run(3, true);
  const token = await findPodToken(rig.cluster, id);
  const second = {
    JOBSPAWN_JOB_ID: id,
    JOBSPAWN_TOKEN: token,
    JOBSPAWN_STATUS_URL: `${rig.service.url}/status?job-id=${id}&token=${token}`,
    JOBSPAWN_POD_UID: '00000000-0000-4000-8000-000000000002',
    JOBSPAWN_POD_NAME: 'the-second',
  };
  const claim = { 'job-id': id, status: 'Start Processing', 'pod-uid': second.JOBSPAWN_POD_UID };
  const refused = await post(`${rig.service.url}/status`, claim, { authorization: `Bearer ${token}` });
  expect(refused.status).toBe(409);
  const script = rig.ledger.script(number, { seconds: 0, exitCode: 0 });
  const { code } = await runWorker(['exec', '--', 'sh', '-c', script], second);
  expect(code).toBe(0);
  expect(startsOf(number)).toBe(1);
  expect(await rig.untilEnded(id)).toMatchObject({ state: 'SUCCEEDED' });
  expect(startsOf(number)).toBe(1);
});
