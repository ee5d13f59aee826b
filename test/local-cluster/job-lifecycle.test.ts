import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

const condition = (type: string, reason: string, message: string) => ({
  type,
  status: 'True',
  lastProbeTime: time,
  lastTransitionTime: time,
  reason,
  message,
});

const reached = ['CompletionsReached', 'Reached expected number of succeeded pods'] as const;
const exceeded = ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'] as const;

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => {
  expect(stage.faults).toEqual([]);
  stage.close();
});

/** The one pod of the Job that has not ended. */
function onlyPod(job: string) {
  const [pod, ...others] = stage.pods(job, { unfinished: true });
  if (!pod || others.length > 0) throw new Error(`${job} has no or several pods`);
  return pod;
}

describe('a Job with one pod', () => {
  test('gets a pod that carries the template, the owner, the finalizer and a name of its own', async () => {
    const { metadata: job } = stage.createJob('hello');
    await stage.settle();
    const { metadata, spec } = onlyPod('hello');
    expect(metadata).toMatchObject({
      name: expect.stringMatching(/^hello-[bcdfghjklmnpqrstvwxz2456789]{5}$/),
      generateName: 'hello-',
      labels: { 'batch.kubernetes.io/controller-uid': job.uid, 'job-name': 'hello' },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: 'hello',
          uid: job.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      finalizers: ['batch.kubernetes.io/job-tracking'],
    });
    expect(metadata.annotations).toBeUndefined();
    expect(spec.hostname).toBeUndefined();
    expect(spec.containers[0]?.env).toBeUndefined();
  });

  test('that succeeds goes through the statuses of a real cluster, SuccessCriteriaMet before Complete', async () => {
    stage.createJob('hello');
    await stage.settle();
    const pod = onlyPod('hello');
    stage.run(pod);
    await stage.settle();
    stage.exit(pod, 0);
    await stage.settle();
    const met = condition('SuccessCriteriaMet', ...reached);
    expect(stage.history('hello')).toEqual([
      {},
      { startTime: time, active: 1, terminating: 0, uncountedTerminatedPods: {}, ready: 0 },
      { startTime: time, active: 1, terminating: 0, uncountedTerminatedPods: {}, ready: 1 },
      {
        conditions: [met],
        startTime: time,
        terminating: 0,
        uncountedTerminatedPods: { succeeded: [pod.metadata.uid] },
        ready: 0,
      },
      {
        conditions: [met, condition('Complete', ...reached)],
        startTime: time,
        completionTime: time,
        succeeded: 1,
        terminating: 0,
        uncountedTerminatedPods: {},
        ready: 0,
      },
    ]);
    expect(stage.pods('hello')[0]?.metadata.finalizers).toBeUndefined();
    expect(stage.notes('hello')).toEqual([
      `SuccessfulCreate: Created pod: ${pod.metadata.name}`,
      'Completed: Job completed',
    ]);
  });

  test('that fails with no retries left gets FailureTarget, then Failed, and no completionTime', async () => {
    stage.createJob('fails', { backoffLimit: 0 });
    await stage.settle();
    const pod = onlyPod('fails');
    stage.exit(pod, 3);
    await stage.settle();
    const target = condition('FailureTarget', ...exceeded);
    expect(stage.history('fails').slice(2)).toEqual([
      {
        conditions: [target],
        startTime: time,
        terminating: 0,
        uncountedTerminatedPods: { failed: [pod.metadata.uid] },
        ready: 0,
      },
      {
        conditions: [target, condition('Failed', ...exceeded)],
        startTime: time,
        failed: 1,
        terminating: 0,
        uncountedTerminatedPods: {},
        ready: 0,
      },
    ]);
    expect(stage.events('fails').map(({ type }) => type)).toEqual(['Normal', 'Warning']);
    expect(stage.notes('fails')[1]).toBe('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });
});

describe('a Job with several pods', () => {
  test('runs as many at once as parallelism says, and no more than are missing', async () => {
    stage.createJob('five', { completions: 5, parallelism: 2 });
    await stage.settle();
    const seen: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const pods = stage.pods('five', { unfinished: true });
      seen.push(pods.length);
      pods.forEach((pod) => stage.exit(pod, 0));
      await stage.settle();
    }
    expect(seen).toEqual([2, 2, 1]);
    expect(stage.job('five').status).toMatchObject({ succeeded: 5, completionTime: time });
    expect(stage.pods('five')).toHaveLength(5);
  });

  test('counts two pods that fail together as two, and so passes a backoffLimit of 1 without a retry', async () => {
    stage.createJob('two', { completions: 2, parallelism: 2, backoffLimit: 1 });
    await stage.settle();
    stage.pods('two').forEach((pod) => stage.exit(pod, 1));
    await stage.settle();
    expect(stage.job('two').status.failed).toBe(2);
    expect(stage.conditions('two')).toEqual([
      'FailureTarget BackoffLimitExceeded',
      'Failed BackoffLimitExceeded',
    ]);
  });

  test('as a work queue makes no new pods after the first success, and ends with the last one', async () => {
    stage.createJob('queue', { parallelism: 2 });
    await stage.settle();
    const [first, second] = stage.pods('queue');
    if (!first || !second) throw new Error('two pods are expected');
    stage.exit(first, 0);
    await stage.settle();
    expect(stage.job('queue').status).toMatchObject({ active: 1, succeeded: 1 });
    expect(stage.pods('queue')).toHaveLength(2);
    stage.exit(second, 0);
    await stage.settle();
    expect(stage.job('queue').status.succeeded).toBe(2);
    expect(stage.conditions('queue')).toContain('Complete CompletionsReached');
  });

  test('follows parallelism up and down; pods that are taken away count as nothing', async () => {
    stage.createJob('scaled', { completions: 4, parallelism: 1 });
    await stage.settle();
    const first = onlyPod('scaled');
    stage.run(first);
    const scale = (parallelism: number) =>
      stage.registry.update('jobs', { namespace: stage.namespace, name: 'scaled' }, ({ spec }) => {
        spec.parallelism = parallelism;
      });
    scale(3);
    await stage.settle();
    expect(stage.job('scaled').status).toMatchObject({ active: 3, ready: 1 });
    stage.pods('scaled').forEach((pod) => stage.run(pod));
    await stage.settle();
    scale(1);
    await stage.settle();
    expect(stage.job('scaled').status).toMatchObject({ active: 1, terminating: 2, ready: 1 });
    const going = stage.pods('scaled').filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    expect(going.map(({ metadata }) => metadata.finalizers)).toEqual([undefined, undefined]);
    expect(going.map(({ metadata }) => metadata.uid)).not.toContain(first.metadata.uid);
    going.forEach((pod) => stage.end(pod));
    await stage.settle();
    expect(stage.job('scaled').status).toEqual({
      startTime: time,
      active: 1,
      terminating: 0,
      uncountedTerminatedPods: {},
      ready: 1,
    });
    expect(stage.notes('scaled').filter((note) => note.startsWith('SuccessfulDelete'))).toHaveLength(2);
  });

  test('with completions 0 is complete with no pod; with parallelism 0 it stays', async () => {
    stage.createJob('zero', { completions: 0 });
    stage.createJob('none', { parallelism: 0 });
    await stage.settle();
    expect(stage.history('zero').slice(1)).toEqual([
      {
        conditions: [condition('SuccessCriteriaMet', ...reached)],
        startTime: time,
        terminating: 0,
        uncountedTerminatedPods: {},
        ready: 0,
      },
      expect.objectContaining({ completionTime: time }),
    ]);
    expect(stage.job('none').status).toEqual({
      startTime: time,
      terminating: 0,
      uncountedTerminatedPods: {},
      ready: 0,
    });
    expect(stage.registry.list('pods')).toEqual([]);
  });

  test('leaves a Job alone that another controller manages', async () => {
    stage.createJob('foreign', { managedBy: 'example.com/controller' });
    await stage.settle();
    expect(stage.job('foreign').status).toEqual({});
  });
});
