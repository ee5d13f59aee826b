import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiException, BatchV1Api, CoreV1Api, Watch } from '@kubernetes/client-node';
import type { V1Job, V1ObjectMeta } from '@kubernetes/client-node';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { openClusterUnderTest } from './cluster-under-test.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';

// The other suites speak plain HTTP, so that nothing stands between them and the server. Here the same recordings are asked
// through the library's typed calls, its watch and its errors, as any program would.

const jobSchema = z.looseObject({ apiVersion: z.literal('batch/v1'), kind: z.literal('Job') });
const statusSchema = z.object({ reason: z.string(), message: z.string(), code: z.int() });
const conditionSchema = z.object({ type: z.string(), reason: z.string(), message: z.string() });
const watchedSchema = z.object({
  type: z.string(),
  object: z.object({
    metadata: z.object({ name: z.string() }),
    status: z.object({ conditions: z.array(conditionSchema).optional(), succeeded: z.int().optional() }),
  }),
});
const recordingSchema = z.object({
  steps: z.array(
    z.object({
      note: z.string().default(''),
      request: z.object({ method: z.string(), path: z.string(), body: z.unknown().optional() }),
      response: z.object({ status: z.int(), body: z.unknown().optional() }),
    }),
  ),
  watch: z.object({ jobs: z.array(z.unknown()) }).default({ jobs: [] }),
});

function recording(name: string) {
  const text = readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8');
  return recordingSchema.parse(JSON.parse(text));
}

/** Left to the replay over plain HTTP, which knows how to compare them. */
const leftOut: Record<string, string> = {
  'bad generateName': 'the message holds a drawn name',
  'bad label key and value': 'a real server names the labels in any order',
  'annotations over 256 KiB (value cut in this file)': 'the recording does not hold the value',
  'selector set by hand without manualSelector': 'the message holds a drawn uid',
  'unknown fields, fieldValidation=Wrong': 'it is about the query',
};

/** Jobs that the real API server found invalid. */
const refusals = recording('13-validation-errors').steps.flatMap(({ note, request, response }) => {
  const job = jobSchema.safeParse(request.body);
  const isCreate = request.method === 'POST' && request.path.includes('/jobs?dryRun=All');
  if (!isCreate || response.status !== 422 || !job.success) return [];
  return [{ note, job: job.data, status: statusSchema.parse(response.body) }];
});
const asked = refusals.filter(({ note }) => leftOut[note] === undefined);

let cluster: ClusterUnderTest;
let namespace: string;
let batch: BatchV1Api;
let core: CoreV1Api;

beforeAll(async () => {
  cluster = await openClusterUnderTest();
  namespace = await cluster.createNamespace('client-node');
  batch = cluster.config.makeApiClient(BatchV1Api);
  core = cluster.config.makeApiClient(CoreV1Api);
}, 60_000);

afterAll(() => cluster?.stop(), 60_000);

function simpleJob(script: string, metadata: V1ObjectMeta): V1Job {
  const container = { name: 'main', image: cluster.image, command: ['sh', '-c', script] };
  const imagePullPolicy = 'IfNotPresent';
  return {
    metadata,
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ ...container, imagePullPolicy }] } } },
  };
}

async function failureOf(
  call: Promise<unknown>,
): Promise<{ code: number; status: z.output<typeof statusSchema> }> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  if (!(error instanceof ApiException)) throw new Error(`no API exception but ${String(error)}`);
  return { code: error.code, status: statusSchema.parse(JSON.parse(z.string().parse(error.body))) };
}

describe('through client-node', () => {
  test('only what the table names is left out', () => {
    expect(asked.length).toBe(refusals.length - Object.keys(leftOut).length);
  });

  test.each(asked)('an invalid Job is refused as recorded: $note', async ({ job, status }) => {
    const failure = await failureOf(batch.createNamespacedJob({ namespace, body: job, dryRun: 'All' }));
    expect(failure).toEqual({ code: 422, status });
  });

  test('a Job runs, is watched, logs and goes as recorded', async () => {
    const seen: z.output<typeof watchedSchema>[] = [];
    const watching = await new Watch(cluster.config).watch(
      `/apis/batch/v1/namespaces/${namespace}/jobs`,
      {},
      (type: string, object: unknown) => seen.push(watchedSchema.parse({ type, object })),
      () => {},
    );
    try {
      const created = await batch.createNamespacedJob({
        namespace,
        body: simpleJob('echo one; echo two', { generateName: 'hello-' }),
      });
      const name = created.metadata?.name ?? '';
      expect(name).toMatch(/^hello-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      await until(async () => (await batch.readNamespacedJob({ namespace, name })).status?.succeeded === 1, {
        timeoutMs: 60_000,
      });
      expect(conditionsOver(await until(() => watchedToTheEnd(seen, name)))).toEqual(recordedConditions());

      const pods = await core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` });
      const pod = pods.items[0]?.metadata?.name ?? '';
      expect(pods.items[0]?.status?.phase).toBe('Succeeded');
      expect(await core.readNamespacedPodLog({ namespace, name: pod })).toBe('one\ntwo\n');
      await until(async () => {
        const events = await core.listNamespacedEvent({
          namespace,
          fieldSelector: `involvedObject.name=${name}`,
        });
        const reasons = new Set(events.items.map(({ reason }) => reason));
        return reasons.has('SuccessfulCreate') && reasons.has('Completed') && reasons.size === 2;
      });

      await batch.deleteNamespacedJob({ namespace, name, propagationPolicy: 'Background' });
      const { code, status } = await failureOf(batch.readNamespacedJob({ namespace, name }));
      expect({ code, status }).toEqual({
        code: 404,
        status: { reason: 'NotFound', code: 404, message: `jobs.batch "${name}" not found` },
      });
      await until(() => seen.some(({ type, object }) => type === 'DELETED' && object.metadata.name === name));
      await until(async () => (await core.listNamespacedPod({ namespace })).items.length === 0, {
        timeoutMs: 60_000,
      });
    } finally {
      watching.abort();
    }
  }, 180_000);

  test('a name that is taken is told from any other conflict', async () => {
    const body = simpleJob('true', { name: 'taken' });
    await batch.createNamespacedJob({ namespace, body });
    const { code, status } = await failureOf(batch.createNamespacedJob({ namespace, body }));
    expect({ code, reason: status.reason, message: status.message }).toEqual({
      code: 409,
      reason: 'AlreadyExists',
      message: 'jobs.batch "taken" already exists',
    });
  });
});

type Watched = z.output<typeof watchedSchema>;

function watchedToTheEnd(seen: Watched[], name: string): Watched[] | undefined {
  const own = seen.filter(({ object }) => object.metadata.name === name);
  return own.some(({ object }) => object.status.succeeded === 1) ? own : undefined;
}

/** Each state of the conditions once, in order: how often the counts between them are told is a matter of pace. */
function conditionsOver(events: Watched[]): unknown[] {
  const states = events.map(({ object }) =>
    (object.status.conditions ?? []).map((one) => conditionSchema.parse(one)),
  );
  return states.filter((state, at) => JSON.stringify(state) !== JSON.stringify(states[at - 1]));
}

function recordedConditions(): unknown[] {
  const all = recording('02-minimal-job').watch.jobs.map((event) => watchedSchema.parse(event));
  return conditionsOver(all.filter(({ object }) => object.metadata.name === all[0]?.object.metadata.name));
}
