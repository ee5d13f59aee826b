import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Job } from '../../src/local-cluster/objects.ts';
import { until } from '../support/until.ts';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => {
  expect(stage.faults).toEqual([]);
  stage.close();
});

function firstPod(job: string) {
  const [pod] = stage.pods(job, { unfinished: true });
  if (!pod) throw new Error(`${job} has no pod that runs`);
  return pod;
}

const change = (name: string, edit: (job: Job) => void) =>
  stage.registry.update('jobs', { namespace: stage.namespace, name }, edit);

describe('activeDeadlineSeconds', () => {
  test('deletes the running pod, counts it as failed, and ends the Job when the pod is gone', async () => {
    stage.createJob('late', { activeDeadlineSeconds: 2 });
    await stage.settle();
    const pod = firstPod('late');
    stage.run(pod);
    await until(() => stage.job('late').status.failed);
    await stage.settle();
    const startTime = expect.any(String);
    expect(stage.job('late').status).toMatchObject({ startTime, failed: 1, terminating: 1, ready: 0 });
    expect(stage.conditions('late')).toEqual(['FailureTarget DeadlineExceeded']);
    stage.end(pod, 0);
    await stage.settle();
    expect(stage.conditions('late')).toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']);
    expect(stage.pods('late')).toEqual([]);
    expect(stage.notes('late').slice(1)).toEqual([
      `SuccessfulDelete: Deleted pod: ${pod.metadata.name}`,
      'DeadlineExceeded: Job was active longer than specified deadline',
    ]);
  });

  test('takes a pod that was never bound away at once', async () => {
    stage.createJob('unbound', { activeDeadlineSeconds: 1 });
    await until(() => stage.conditions('unbound').includes('Failed DeadlineExceeded'));
    expect(stage.job('unbound').status).toMatchObject({ failed: 1, terminating: 0 });
    expect(stage.pods('unbound')).toEqual([]);
  });

  test('of zero fails the Job before it has a pod', async () => {
    stage.createJob('hopeless', { activeDeadlineSeconds: 0 });
    await stage.settle();
    expect(stage.conditions('hopeless')).toContain('Failed DeadlineExceeded');
    expect(stage.pods('hopeless')).toEqual([]);
  });

  test('is kept after a restart of the cluster', async () => {
    stage.createJob('late', { activeDeadlineSeconds: 1 });
    await stage.settle();
    stage.restart();
    await until(() => stage.conditions('late').includes('Failed DeadlineExceeded'));
  });
});

describe('suspend', () => {
  test('keeps a new Job from starting, until it is resumed', async () => {
    stage.createJob('asleep', { suspend: true });
    await stage.settle();
    expect(stage.job('asleep').status).toEqual({
      conditions: [expect.objectContaining({ type: 'Suspended', status: 'True', reason: 'JobSuspended' })],
      terminating: 0,
      uncountedTerminatedPods: {},
      ready: 0,
    });
    change('asleep', ({ spec }) => {
      spec.suspend = false;
    });
    await stage.settle();
    expect(stage.job('asleep').status).toMatchObject({
      conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }],
      startTime: expect.any(String),
      active: 1,
    });
    expect(stage.notes('asleep')).toEqual([
      'Suspended: Job suspended',
      expect.stringMatching(/^SuccessfulCreate/),
      'Resumed: Job resumed',
    ]);
  });

  test('of a running Job deletes its pods uncounted and clears startTime', async () => {
    stage.createJob('paused', { activeDeadlineSeconds: 600 });
    await stage.settle();
    const pod = firstPod('paused');
    stage.run(pod);
    await stage.settle();
    change('paused', ({ spec }) => {
      spec.suspend = true;
    });
    await stage.settle();
    expect(stage.job('paused').status).toEqual({
      conditions: [expect.objectContaining({ type: 'Suspended', status: 'True' })],
      terminating: 1,
      uncountedTerminatedPods: {},
      ready: 0,
    });
    stage.end(pod, 0);
    await stage.settle();
    expect(stage.job('paused').status).toMatchObject({ terminating: 0 });
    change('paused', ({ spec }) => {
      spec.suspend = false;
    });
    await stage.settle();
    stage.exit(firstPod('paused'), 0);
    await stage.settle();
    expect(stage.job('paused').status).toMatchObject({ succeeded: 1, completionTime: expect.any(String) });
    expect(stage.job('paused').status.failed).toBeUndefined();
  });

  test('of a finished Job changes nothing', async () => {
    stage.createJob('done');
    await stage.settle();
    stage.exit(firstPod('done'), 0);
    await stage.settle();
    const before = stage.job('done').status;
    change('done', ({ spec }) => {
      spec.suspend = true;
    });
    await stage.settle();
    expect(stage.job('done').status).toEqual(before);
  });
});

async function finish(name: string, ttlSecondsAfterFinished?: number) {
  stage.createJob(name, ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished });
  await stage.settle();
  stage.exit(firstPod(name), 0);
  await stage.settle();
}

const isGone = (name: string) => !stage.registry.find('jobs', stage.namespace, name);

describe('ttlSecondsAfterFinished', () => {
  test('of zero takes the Job and its pod away as soon as it has finished', async () => {
    await finish('brief', 0);
    expect(isGone('brief')).toBe(true);
    expect(stage.pods('brief')).toEqual([]);
  });

  test('keeps the Job that long, also over a restart', async () => {
    await finish('ttl', 1);
    stage.restart();
    await until(() => isGone('ttl'));
    await stage.settle();
    expect(stage.pods('ttl')).toEqual([]);
  });

  test('may come when the Job has finished already', async () => {
    await finish('late');
    expect(isGone('late')).toBe(false);
    change('late', ({ spec }) => {
      spec.ttlSecondsAfterFinished = 0;
    });
    await stage.settle();
    expect(isGone('late')).toBe(true);
  });
});

describe('a restart of the cluster', () => {
  test('between the end of a pod and its count counts it once', async () => {
    stage.createJob('counted', { completions: 2, parallelism: 2 });
    await stage.settle();
    const [first, second] = stage.pods('counted');
    if (!first || !second) throw new Error('two pods are expected');
    stage.exit(first, 0);
    // As if the process had died after the uid was written down, and before the finalizer was taken off.
    change('counted', ({ status }) => {
      status.uncountedTerminatedPods = { succeeded: [first.metadata.uid] };
    });
    stage.restart();
    await stage.settle();
    expect(stage.job('counted').status).toMatchObject({
      active: 1,
      succeeded: 1,
      uncountedTerminatedPods: {},
    });
    stage.exit(second, 0);
    await stage.settle();
    expect(stage.job('counted').status.succeeded).toBe(2);
  });

  test('counts a pod as failed that was written down as such, whatever it says in the end', async () => {
    stage.createJob('deleted', { backoffLimit: 0 });
    await stage.settle();
    const pod = firstPod('deleted');
    stage.run(pod);
    await stage.settle();
    change('deleted', ({ status }) => {
      status.uncountedTerminatedPods = { failed: [pod.metadata.uid] };
    });
    stage.exit(pod, 0);
    stage.restart();
    await stage.settle();
    expect(stage.job('deleted').status).toMatchObject({ failed: 1, uncountedTerminatedPods: {} });
    expect(stage.job('deleted').status.succeeded).toBeUndefined();
  });

  test('makes no second pod for one that runs', async () => {
    stage.createJob('single');
    await stage.settle();
    stage.run(firstPod('single'));
    stage.restart();
    await stage.settle();
    expect(stage.pods('single')).toHaveLength(1);
  });
});
