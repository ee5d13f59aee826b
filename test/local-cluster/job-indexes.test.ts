import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

const indexLabel = 'batch.kubernetes.io/job-completion-index';
const failureCount = 'batch.kubernetes.io/job-index-failure-count';

let stage: Stage;

beforeEach(() => {
  stage = openStage({ backoff: { initialMs: 300, maxMs: 1_000 } });
});

afterEach(() => {
  expect(stage.faults).toEqual([]);
  stage.close();
});

const podOf = (job: string, index: number) =>
  stage.pods(job, { unfinished: true }).find(({ metadata }) => metadata.labels?.[indexLabel] === `${index}`);

function getPod(job: string, index: number) {
  const pod = podOf(job, index);
  if (!pod) throw new Error(`${job} runs nothing for index ${index}`);
  return pod;
}

describe('an Indexed Job', () => {
  test('tells each pod its index: in its name, hostname, label, annotation and environment', async () => {
    const containers = [{ name: 'main', image: 'worker', env: [{ name: 'A', value: 'b' }] }];
    const initContainers = [{ name: 'first', image: 'worker' }];
    stage.createJob('many', {
      completions: 3,
      completionMode: 'Indexed',
      podSpec: { containers, initContainers },
    });
    await stage.settle();
    const { metadata, spec } = getPod('many', 0);
    expect(metadata).toMatchObject({
      name: expect.stringMatching(/^many-0-.{5}$/),
      generateName: 'many-0-',
      labels: { [indexLabel]: '0' },
      annotations: { [indexLabel]: '0' },
    });
    const variable = {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexLabel}']` } },
    };
    expect(spec.hostname).toBe('many-0');
    expect(spec.containers[0]?.env).toEqual([{ name: 'A', value: 'b' }, variable]);
    expect(spec.initContainers?.[0]?.env).toEqual([variable]);
  });

  test('counts successes straight into completedIndexes, and goes on with the lowest open index', async () => {
    stage.createJob('many', { completions: 4, parallelism: 2, completionMode: 'Indexed' });
    await stage.settle();
    stage.exit(getPod('many', 1), 0);
    await stage.settle();
    expect(podOf('many', 2)).toBeDefined();
    for (const index of [0, 2, 3]) {
      stage.exit(getPod('many', index), 0);
      await stage.settle();
    }
    const seen = stage
      .history('many')
      .map(({ completedIndexes, succeeded = 0 }) => `${succeeded}: ${completedIndexes ?? ''}`);
    expect([...new Set(seen)]).toEqual(['0: ', '1: 1', '2: 0,1', '3: 0-2', '4: 0-3']);
    expect(
      stage
        .history('many')
        .flatMap(({ uncountedTerminatedPods }) => uncountedTerminatedPods?.succeeded ?? []),
    ).toEqual([]);
    expect(stage.conditions('many')).toEqual([
      'SuccessCriteriaMet CompletionsReached',
      'Complete CompletionsReached',
    ]);
  });

  test('fits index and name of a long-named Job into the name of the pod', async () => {
    const name = 'a'.repeat(60);
    stage.createJob(name, { completions: 1, completionMode: 'Indexed' });
    await stage.settle();
    const [pod] = stage.pods(name);
    expect(pod?.metadata.name).toMatch(/^a{55}-0-.{5}$/);
  });
});

describe('backoffLimitPerIndex', () => {
  test('keeps the failed pod uncounted until its index is retried with the failure count raised', async () => {
    stage.createJob('per-index', {
      completions: 2,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimitPerIndex: 1,
    });
    await stage.settle();
    const first = getPod('per-index', 0);
    expect(first.metadata.annotations?.[failureCount]).toBe('0');
    stage.exit(first, 7);
    await stage.settle();
    expect(stage.job('per-index').status).toMatchObject({ active: 1, failedIndexes: '' });
    expect(stage.job('per-index').status.failed).toBeUndefined();
    const retry = await until(() => podOf('per-index', 0));
    expect(retry.metadata.annotations?.[failureCount]).toBe('1');
    await until(() => stage.job('per-index').status.failed === 1);
    const failed = stage.pods('per-index').find(({ metadata }) => metadata.uid === first.metadata.uid);
    expect(failed?.metadata.finalizers).toBeUndefined();
  });

  test('does not hold up other indexes', async () => {
    stage.createJob('others', {
      completions: 3,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimitPerIndex: 1,
    });
    await stage.settle();
    stage.exit(getPod('others', 0), 7);
    stage.exit(getPod('others', 1), 0);
    await stage.settle();
    expect(podOf('others', 2)).toBeDefined();
    expect(podOf('others', 0)).toBeUndefined();
  });

  test('fails the Job when more indexes have failed than maxFailedIndexes allows', async () => {
    const limits = { backoffLimitPerIndex: 0, maxFailedIndexes: 1 };
    stage.createJob('too-many', { completions: 4, parallelism: 2, completionMode: 'Indexed', ...limits });
    await stage.settle();
    stage.exit(getPod('too-many', 0), 7);
    await stage.settle();
    expect(stage.conditions('too-many')).toEqual([]);
    const other = getPod('too-many', 2);
    stage.run(other);
    stage.exit(getPod('too-many', 1), 7);
    await stage.settle();
    expect(stage.conditions('too-many')).toEqual(['FailureTarget MaxFailedIndexesExceeded']);
    stage.end(other);
    await stage.settle();
    expect(stage.conditions('too-many')[1]).toBe('Failed MaxFailedIndexesExceeded');
    expect(stage.job('too-many').status).toMatchObject({ failedIndexes: '0,1', failed: 3 });
  });
});

describe('successPolicy', () => {
  test('ends the Job when its rule is met, and the pods that still run count as nothing', async () => {
    const rules = [{ succeededIndexes: '0', succeededCount: 1 }];
    stage.createJob('enough', {
      completions: 3,
      parallelism: 3,
      completionMode: 'Indexed',
      successPolicy: { rules },
    });
    await stage.settle();
    stage.pods('enough').forEach((pod) => stage.run(pod));
    stage.exit(getPod('enough', 0), 0);
    await stage.settle();
    expect(stage.job('enough').status).toMatchObject({
      succeeded: 1,
      terminating: 2,
      ready: 0,
      completedIndexes: '0',
    });
    expect(stage.conditions('enough')).toEqual(['SuccessCriteriaMet SuccessPolicy']);
    expect(stage.job('enough').status.conditions?.[0]?.message).toBe('Matched rules at index 0');
    stage.end(getPod('enough', 1));
    await stage.settle();
    expect(stage.conditions('enough')).toHaveLength(1);
    stage.end(getPod('enough', 2));
    await stage.settle();
    expect(stage.conditions('enough')).toEqual([
      'SuccessCriteriaMet SuccessPolicy',
      'Complete SuccessPolicy',
    ]);
    expect(stage.job('enough').status.failed).toBeUndefined();
  });
});
