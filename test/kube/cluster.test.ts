import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { jobRequestSchema, toJobSpec } from '../../src/core/job-request.ts';
import { createKube } from '../../src/kube/cluster.ts';
import type { Kube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { toJobManifest } from '../../src/kube/job-manifest.ts';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();
let dir: string;
let cluster: LocalCluster;
let connection: Connection;
let kube: Kube;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kube-'));
  cluster = await startLocalCluster({
    dataDir: dir,
    images: { sh: { entrypoint: ['/bin/sh', '-c'], cmd: [] } },
    log,
  });
  connection = await connectCluster({ kind: 'kubeconfig', path: cluster.kubeconfigPath });
  kube = createKube({ connection, namespace: 'default', log });
});

afterAll(async () => {
  await connection.close();
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

function manifest(kubernetesName: string, request: Record<string, unknown> = {}) {
  const parsed = jobRequestSchema.parse({ name: 'a job', image: 'sh', args: ['echo done'], ...request });
  return toJobManifest({
    item: {
      id: `id-of-${kubernetesName}`,
      name: parsed.name,
      spec: toJobSpec(parsed, 'sh'),
      namespace: 'default',
      generateName: 'a-job-',
      kubernetesName,
    },
    callbackUrl: 'http://127.0.0.1:1',
    token: 't',
  });
}

async function create(name: string, request: Record<string, unknown> = {}): Promise<string> {
  const outcome = await kube.createJob(manifest(name, request), signal);
  if (outcome.kind !== 'created') throw new Error(JSON.stringify(outcome));
  return outcome.observation.uid;
}

describe('on a local cluster', () => {
  test('a Job is created once, and found by its name with our id', async () => {
    const uid = await create('made-once');
    expect(await kube.createJob(manifest('made-once'), signal)).toEqual({ kind: 'already-exists' });
    expect(await kube.findJob('made-once', signal)).toMatchObject({
      jobId: 'id-of-made-once',
      observation: { uid },
    });
    expect(await kube.findJob('never-made', signal)).toBeUndefined();
  });

  test('a Job that the server finds invalid is refused with its words', async () => {
    const job = manifest('not-valid');
    if (job.spec?.template.spec) job.spec.template.spec.restartPolicy = 'Always';
    expect(await kube.createJob(job, signal)).toMatchObject({
      kind: 'refused',
      reason: 'Invalid',
      message: expect.stringContaining('spec.template.spec.restartPolicy'),
    });
  });

  test('a field that the server does not know is refused, not dropped', async () => {
    const job = Object.assign(manifest('not-known'), { extra: 1 });
    expect(await kube.createJob(job, signal)).toMatchObject({ kind: 'refused', reason: 'BadRequest' });
  });

  test('a delete takes the Job of that uid, and only that one', async () => {
    const uid = await create('to-delete');
    expect(await kube.deleteJob('to-delete', '00000000-0000-0000-0000-000000000000', signal)).toBe('gone');
    expect(await kube.findJob('to-delete', signal)).toBeDefined();
    expect(await kube.deleteJob('to-delete', uid, signal)).toBe('deleted');
    expect(await kube.deleteJob('to-delete', uid, signal)).toBe('gone');
  });

  test('its watches see a Job and its pod to the end, and the log is what the container wrote', async () => {
    const stop = new AbortController();
    const jobs = kube.watchJobs({ onUpsert: () => undefined, onGone: () => undefined }, stop.signal);
    const pods = kube.watchPods({ onUpsert: () => undefined, onGone: () => undefined }, stop.signal);
    const uid = await create('to-watch', {
      args: ['echo "$JOBSPAWN_JOB_ID $MINE"; exit 3'],
      env: { MINE: '$(HOME)' },
    });
    const job = await until(() => {
      const seen = jobs.items().get(uid)?.observation;
      return seen?.conditions.some(({ type }) => type === 'Failed') && seen;
    });
    expect(job).toMatchObject({ failed: 1, succeeded: 0 });
    const pod = await until(() =>
      [...pods.items().values()].find(
        ({ observation }) => observation.jobUid === uid && observation.phase === 'Failed',
      ),
    );
    expect(pod).toMatchObject({
      jobId: 'id-of-to-watch',
      observation: { exitCode: 3, reason: 'Error', index: 0 },
    });
    const chunks: Buffer[] = [];
    for await (const chunk of kube.readPodLog({ pod: pod.observation.name, follow: false }, signal))
      chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('id-of-to-watch $(HOME)\n');
    stop.abort();
    await Promise.all([jobs.done, pods.done]);
  });

  test('its namespace has a uid, and a missing one has none', async () => {
    expect(await kube.getNamespaceUid(signal)).toMatch(/^[0-9a-f-]{36}$/);
    expect(await createKube({ connection, namespace: 'missing', log }).getNamespaceUid(signal)).toBeNull();
  });

  test('a create in a namespace that is missing says so', async () => {
    const elsewhere = createKube({ connection, namespace: 'missing', log });
    const job = manifest('elsewhere');
    if (job.metadata) job.metadata.namespace = 'missing';
    expect(await elsewhere.createJob(job, signal)).toMatchObject({ kind: 'no-namespace' });
  });

  test('we may create Jobs', async () => {
    expect(await kube.isAllowed({ group: 'batch', resource: 'jobs', verb: 'create' }, signal)).toBe(true);
  });
});

test.each(['..', 'a/b', '', 'A', 'a?x=1'])('no call is made for the name %j', async (name) => {
  await expect(kube.findJob(name, signal)).rejects.toMatchObject({ code: 'invalid' });
  await expect(kube.deleteJob(name, 'u', signal)).rejects.toMatchObject({ code: 'invalid' });
  expect(() => kube.readPodLog({ pod: name, follow: false }, signal)).toThrow('is no name');
  expect(() => createKube({ connection, namespace: name, log })).toThrow('is no name of a namespace');
});
