import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { startQuickRig } from './quick-rig.ts';
import type { QuickRig } from './quick-rig.ts';

let rig: QuickRig;

beforeAll(async () => {
  rig = await startQuickRig();
  rig.service.start();
  await rig.service.untilReady();
});

afterAll(async () => {
  await rig.stop();
});

/** What was told and counted. */
async function countFaults(): Promise<{ told: number; counted: number }> {
  const { jobs, pods } = (await rig.findHealth()).watches;
  const lines = rig.service.logLines().filter((line) => line.includes('could not be handled'));
  return { told: lines.length, counted: jobs.faults + pods.faults };
}

async function expectJobToEnd(): Promise<void> {
  await rig.untilState(await rig.submit(), 'SUCCEEDED');
}

/** What nobody could read as a Job or a pod, and yet has what every object has. */
const poison = (uid: string) => ({
  metadata: { name: uid, uid, resourceVersion: '1', labels: { 'jobspawn.dev/job-id': 7 } },
  status: 'never heard of',
});

test('fault 24: an object that no handler can read is logged and counted, and those before and after it are handled', async () => {
  await expectJobToEnd();
  rig.cluster.shelves.tell('jobs', 'ADDED', poison('poisoned-job'));
  rig.cluster.shelves.tell('pods', 'MODIFIED', poison('poisoned-pod'));
  rig.cluster.shelves.tell('jobs', 'DELETED', poison('unknown-job'));
  await until(async () => (await countFaults()).counted === 2);
  expect((await countFaults()).told).toBe(2);
  await expectJobToEnd();
  expect((await rig.findHealth()).degraded).toEqual([]);
});

test('fault 24: an object that no handler can read stands between good ones in the first list, and the service becomes ready', async () => {
  const waiting = await rig.submit();
  await rig.service.kill();
  rig.cluster.shelves.put('jobs', {
    ...poison('poisoned-job'),
    metadata: { name: 'a-poisoned-job', uid: 'poisoned-job', labels: {}, creationTimestamp: 7 },
  });
  rig.service.start();
  await rig.service.untilReady();
  expect((await countFaults()).counted).toBe(1);
  await rig.untilState(waiting, 'SUCCEEDED');
  await expectJobToEnd();
});
