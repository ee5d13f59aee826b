import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

const quick = { initialMs: 300, maxMs: 1_000 };
const never = { initialMs: 600_000, maxMs: 600_000 };

let stage: Stage;

afterEach(() => {
  expect(stage.faults).toEqual([]);
  stage.close();
});

const unfinished = (job: string) => stage.pods(job, { unfinished: true });

function firstPod(job: string) {
  const [pod] = unfinished(job);
  if (!pod) throw new Error(`${job} has no pod that runs`);
  return pod;
}

const nextPod = (job: string) => until(() => unfinished(job)[0]);

describe('a failed pod', () => {
  test('is counted at once and replaced after the delay', async () => {
    stage = openStage({ backoff: quick });
    stage.createJob('fails', { backoffLimit: 2 });
    await stage.settle();
    stage.exit(firstPod('fails'), 3);
    await stage.settle();
    expect(stage.job('fails').status).toMatchObject({ failed: 1, uncountedTerminatedPods: {} });
    expect(unfinished('fails')).toEqual([]);
    stage.exit(await nextPod('fails'), 0);
    await stage.settle();
    expect(stage.job('fails').status).toMatchObject({ succeeded: 1, failed: 1 });
  });

  test('passes the backoffLimit after as many retries', async () => {
    stage = openStage({ backoff: { initialMs: 1, maxMs: 1 } });
    stage.createJob('fails', { backoffLimit: 2 });
    for (let run = 0; run < 3; run += 1) {
      stage.exit(await nextPod('fails'), 3);
      await stage.settle();
    }
    expect(stage.job('fails').status.failed).toBe(3);
    expect(stage.conditions('fails')).toEqual([
      'FailureTarget BackoffLimitExceeded',
      'Failed BackoffLimitExceeded',
    ]);
  });

  test('delays its replacement still after a restart of the cluster', async () => {
    stage = openStage({ backoff: quick });
    stage.createJob('fails', { backoffLimit: 2 });
    await stage.settle();
    stage.exit(firstPod('fails'), 3);
    await stage.settle();
    stage.restart();
    await stage.settle();
    expect(unfinished('fails')).toEqual([]);
    await nextPod('fails');
    expect(stage.job('fails').status.failed).toBe(1);
  });

  test('that is deleted is counted at once and replaced after the delay', async () => {
    // The time of deletion is known to the second only.
    stage = openStage({ backoff: { initialMs: 1_500, maxMs: 1_500 } });
    stage.createJob('gone');
    await stage.settle();
    const pod = firstPod('gone');
    stage.run(pod);
    stage.registry.delete('pods', { namespace: stage.namespace, name: pod.metadata.name });
    await stage.settle();
    expect(stage.job('gone').status).toMatchObject({ failed: 1, terminating: 1 });
    stage.end(pod, 0);
    await stage.settle();
    expect(stage.pods('gone')).toEqual([]);
    expect(stage.job('gone').status).toMatchObject({ failed: 1, terminating: 0 });
    await nextPod('gone');
  });

  test('that is deleted is neither counted nor replaced before its end, with podReplacementPolicy Failed', async () => {
    stage = openStage({ backoff: { initialMs: 1, maxMs: 1 } });
    stage.createJob('patient', { podReplacementPolicy: 'Failed' });
    await stage.settle();
    const pod = firstPod('patient');
    stage.run(pod);
    stage.registry.delete('pods', { namespace: stage.namespace, name: pod.metadata.name });
    await stage.settle();
    const { active, failed, terminating } = stage.job('patient').status;
    expect({ active, failed, terminating }).toEqual({ active: undefined, failed: undefined, terminating: 1 });
    stage.end(pod);
    await until(() => stage.job('patient').status.failed === 1 && stage.pods('patient').length === 1);
  });

  test('of another index waits for nothing when a success came after it', async () => {
    stage = openStage({ backoff: never });
    stage.createJob('forgiven', {
      completions: 2,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimit: 1,
    });
    await stage.settle();
    const [zero, one] = stage.pods('forgiven');
    if (!zero || !one) throw new Error('two pods are expected');
    stage.exit(zero, 1);
    stage.exit(one, 0);
    await stage.settle();
    expect(stage.job('forgiven').status).toMatchObject({
      active: 1,
      succeeded: 1,
      failed: 1,
      completedIndexes: '1',
    });
  });
});

describe('restarts inside a pod with restartPolicy OnFailure', () => {
  test('fail the Job when they reach the backoffLimit, and its pod is deleted', async () => {
    stage = openStage();
    stage.createJob('restarts', { backoffLimit: 1, podSpec: { restartPolicy: 'OnFailure' } });
    await stage.settle();
    const pod = firstPod('restarts');
    stage.run(pod, { restartCount: 1 });
    await stage.settle();
    expect(stage.job('restarts').status).toMatchObject({ failed: 1, terminating: 1 });
    expect(stage.conditions('restarts')).toEqual(['FailureTarget BackoffLimitExceeded']);
    stage.end(pod);
    await stage.settle();
    expect(stage.conditions('restarts')).toEqual([
      'FailureTarget BackoffLimitExceeded',
      'Failed BackoffLimitExceeded',
    ]);
    expect(stage.pods('restarts')).toEqual([]);
  });
});

describe('podFailurePolicy', () => {
  test('FailJob ends the Job with the rule and the exit code in its message', async () => {
    stage = openStage();
    const onExitCodes = { containerName: 'main', operator: 'In', values: [42] };
    stage.createJob('fail-job', { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes }] } });
    await stage.settle();
    const pod = firstPod('fail-job');
    stage.exit(pod, 42);
    await stage.settle();
    expect(stage.job('fail-job').status.conditions?.map(({ message }) => message)).toEqual(
      Array(2).fill(
        `Container main for pod default/${pod.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
      ),
    );
    expect(stage.job('fail-job').status.failed).toBe(1);
  });

  test('Ignore counts nothing and retries', async () => {
    stage = openStage({ backoff: quick });
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
    stage.createJob('ignore', { backoffLimit: 0, podFailurePolicy: { rules } });
    await stage.settle();
    stage.exit(firstPod('ignore'), 1, [{ type: 'DisruptionTarget', status: 'True' }]);
    await stage.settle();
    expect(stage.job('ignore').status).toMatchObject({ terminating: 0, uncountedTerminatedPods: {} });
    expect(stage.job('ignore').status.failed).toBeUndefined();
    expect(stage.pods('ignore')[0]?.metadata.finalizers).toBeUndefined();
    stage.exit(await nextPod('ignore'), 0);
    await stage.settle();
    expect(stage.conditions('ignore')).toContain('Complete CompletionsReached');
  });

  test('FailIndex gives up an index at once, and the Job fails when the others are done', async () => {
    stage = openStage();
    stage.createJob('fail-index', {
      completions: 2,
      parallelism: 2,
      completionMode: 'Indexed',
      backoffLimitPerIndex: 2,
      podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [9] } }] },
    });
    await stage.settle();
    const [zero, one] = stage.pods('fail-index');
    if (!zero || !one) throw new Error('two pods are expected');
    stage.exit(one, 9);
    await stage.settle();
    expect(stage.conditions('fail-index')).toEqual([]);
    expect(stage.job('fail-index').status).toMatchObject({ active: 1, failedIndexes: '1' });
    stage.exit(zero, 0);
    await stage.settle();
    expect(stage.conditions('fail-index')).toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes']);
    expect(stage.job('fail-index').status).toMatchObject({
      completedIndexes: '0',
      failedIndexes: '1',
      failed: 1,
    });
  });
});

describe('a pod that the API refuses', () => {
  test('is an Event of the Job, keeps it at zero, and is tried again later', async () => {
    stage = openStage();
    stage.createJob('refused', { podSpec: { hostname: 'fine' } });
    stage.registry.update('jobs', { namespace: stage.namespace, name: 'refused' }, ({ spec }) => {
      if (spec.template.spec) spec.template.spec.hostname = 'Not A Host';
    });
    await stage.settle();
    const [note] = stage.notes('refused');
    expect(note).toMatch(/^FailedCreate: Error creating: Pod "refused-.{5}" is invalid: spec.hostname/);
    expect(stage.job('refused').status).toMatchObject({ terminating: 0, ready: 0 });
    expect(stage.job('refused').status.active).toBeUndefined();
    stage.registry.update('jobs', { namespace: stage.namespace, name: 'refused' }, ({ spec }) => {
      if (spec.template.spec) delete spec.template.spec.hostname;
    });
    await nextPod('refused');
    expect(stage.job('refused').status.active).toBe(1);
  });
});
