import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import { startTestApp } from '../support/running-app.ts';
import { until } from '../support/until.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;

afterEach(() => app.stop());

async function findInCluster(name: string) {
  const connection = await connectCluster({ kind: 'kubeconfig', path: app.kubeconfigPath ?? '' });
  const kube = createKube({ connection, namespace: 'default', log: pino({ level: 'silent' }) });
  const found = await kube.findJob(name, new AbortController().signal);
  await connection.close();
  return found;
}

test('a job whose image is not to be had is given up in time, says why, and leaves the cluster', async () => {
  app = await startTestApp({ START_DEADLINE_SECONDS: '2' });
  const { id } = await app.submit({ name: 'no image', image: 'registry.example.com/nothing:1' });
  expect(await app.untilDone(id)).toMatchObject({
    state: 'FAILED',
    reason: 'StartDeadline',
    explanation: expect.stringMatching(/not start in time.*image could not be pulled.*nothing:1/s),
  });
  const { kubernetes } = await app.findJob(id);
  expect(await findInCluster(kubernetes.name)).toBeUndefined();
});

test('a job whose pod is refused says so while it waits, and when its deadline ends it', async () => {
  app = await startTestApp({ JOB_SERVICE_ACCOUNT: 'absent' });
  const { id } = await app.submit({ name: 'refused', activeDeadlineSeconds: 9 });
  const waiting = await until(async () => {
    const job = await app.findJob(id);
    return job.reason !== null && job;
  });
  const refusal = /could not create the pod: .*service account default\/absent/;
  expect(waiting).toMatchObject({
    state: 'CREATED',
    reason: 'FailedCreate',
    explanation: expect.stringMatching(refusal),
  });
  expect(await app.untilDone(id)).toMatchObject({
    state: 'FAILED',
    reason: 'DeadlineExceeded',
    explanation: expect.stringMatching(refusal),
  });
});
