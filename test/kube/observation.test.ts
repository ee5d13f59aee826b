import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { jobObservationSchema, podObservationSchema } from '../../src/core/facts.ts';
import { toSeenJob, toSeenPod } from '../../src/kube/observation.ts';
import { loadRecording } from '../conformance/recording.ts';

/** What was seen of each pod of a recording of a real cluster, look by look; repeated looks once. */
function looksAt(recording: string, prefix: string) {
  const { pods } = loadRecording(recording, (text) => text);
  const looks = pods
    .filter(({ name }) => name.startsWith(`${prefix}-`))
    .flatMap(({ object }) => toSeenPod(object)?.observation ?? [])
    .map(({ phase, exitCode, restarts, reason, startedAt }) => ({
      phase,
      exitCode,
      restarts,
      reason,
      started: startedAt !== null,
    }));
  return looks.filter((look, n) => JSON.stringify(look) !== JSON.stringify(looks[n - 1]));
}

function lastOf(recording: string, prefix: string) {
  const { pods } = loadRecording(recording, (text) => text);
  const last = pods.findLast(({ name }) => name === prefix || name.startsWith(`${prefix}-`));
  const seen = toSeenPod(last?.object);
  if (seen === null) throw new Error(`no pod of ${prefix} in ${recording}`);
  return seen.observation;
}

describe('a pod of a real cluster', () => {
  test('is seen to wait, run and succeed', () => {
    const waiting = { phase: 'Pending', exitCode: null, restarts: 0, started: false };
    expect(looksAt('06-pod-failure-policy', 'fail-job')).toEqual([
      { ...waiting, reason: null },
      { ...waiting, reason: 'ContainerCreating' },
      { phase: 'Running', exitCode: null, restarts: 0, reason: null, started: true },
      { phase: 'Running', exitCode: 42, restarts: 0, reason: 'Error', started: true },
      { phase: 'Failed', exitCode: 42, restarts: 0, reason: 'Error', started: true },
    ]);
  });

  test('shows no exit code while it runs again after a restart', () => {
    const running = { phase: 'Running', started: true };
    expect(looksAt('09-on-failure-restarts', 'third-time').slice(2)).toEqual([
      { ...running, exitCode: null, restarts: 0, reason: null },
      { ...running, exitCode: 1, restarts: 0, reason: 'Error' },
      { ...running, exitCode: null, restarts: 1, reason: null },
      { ...running, exitCode: 1, restarts: 1, reason: 'Error' },
      { ...running, exitCode: 1, restarts: 1, reason: 'CrashLoopBackOff' },
      { ...running, exitCode: null, restarts: 2, reason: null },
      { ...running, exitCode: 0, restarts: 2, reason: 'Completed' },
      { phase: 'Succeeded', exitCode: 0, restarts: 2, reason: 'Completed', started: true },
    ]);
  });

  test.each([
    ['pull-fails', 'ImagePullBackOff', 'Back-off pulling image "registry.example.com/nothing:1"'],
    ['never-pull', 'ErrImageNeverPull', 'is not present with pull policy of Never'],
    ['bad-image-name', 'InvalidImageName', 'UPPER CASE!'],
    ['missing-secret', 'CreateContainerConfigError', 'secret "absent" not found'],
    ['too-large', 'Unschedulable', 'Insufficient cpu'],
  ])('%s says why it waits', (prefix, reason, message) => {
    const seen = lastOf('10-stuck-pods', prefix);
    expect(seen).toMatchObject({ phase: 'Pending', reason, exitCode: null, startedAt: null });
    expect(seen.message).toContain(message);
  });

  test('has not started when its command could not be', () => {
    expect(lastOf('10-stuck-pods', 'command-not-found')).toMatchObject({
      phase: 'Failed',
      reason: 'StartError',
      exitCode: 128,
      startedAt: null,
      message: expect.stringContaining('no such file or directory'),
      terminationMessage: null,
    });
  });

  test("shows its init container's failure as its own", () => {
    expect(lastOf('10-stuck-pods', 'init-fails')).toMatchObject({
      phase: 'Failed',
      reason: 'Error',
      exitCode: null,
    });
  });

  test('is seen to be evicted, whatever its container said', () => {
    expect(lastOf('06-pod-failure-policy', 'ignore-5gtk6')).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Eviction API: evicting',
      exitCode: 1,
    });
  });

  test('was killed for its memory', () => {
    expect(lastOf('19-termination', 'oom')).toMatchObject({
      phase: 'Failed',
      reason: 'OOMKilled',
      exitCode: 137,
    });
  });

  test('leaves its last words', () => {
    expect(lastOf('19-termination', 'message-file-failed')).toMatchObject({
      terminationMessage: 'what went wrong\n',
      message: null,
    });
  });

  test('knows its completion index and its Job', () => {
    const { pods, jobs } = loadRecording('06-pod-failure-policy', (text) => text);
    const seen = toSeenPod(pods.findLast(({ name }) => name.startsWith('fail-index-1-'))?.object);
    const owner = toSeenJob(jobs.findLast(({ name }) => name === 'fail-index')?.object);
    expect(seen?.observation).toMatchObject({
      index: 1,
      jobUid: owner.observation.uid,
      jobName: 'fail-index',
    });
  });

  test('is known after its Job was deleted without it', () => {
    const { jobs } = loadRecording('12-delete', (text) => text);
    const owner = toSeenJob(jobs.findLast(({ name }) => name === 'orphan')?.object);
    const { jobUid, orphaned } = lastOf('12-delete', 'orphan') ?? {};
    expect({ jobUid, orphaned }).toEqual({ jobUid: owner.observation.uid, orphaned: true });
    expect(lastOf('12-delete', 'background')?.orphaned).toBe(false);
  });

  test('knows its Job by the older label too', () => {
    const { pods } = loadRecording('02-minimal-job', (text) => text);
    const { metadata } = z.object({ metadata: z.looseObject({}) }).parse(pods[0]?.object);
    const labelled = (labels: object) =>
      toSeenPod({ metadata: { ...metadata, labels } })?.observation.jobName;
    expect(labelled({ 'job-name': 'one' })).toBe('one');
    expect(labelled({})).toBeNull();
  });

  test('is of no interest without a Job', () => {
    const metadata = { uid: 'u', name: 'n', namespace: 'd', creationTimestamp: '2026-01-01T00:00:00Z' };
    expect(toSeenPod({ metadata, status: { phase: 'Running' } })).toBeNull();
  });
});

describe('a Job of a real cluster', () => {
  test('is seen to complete', () => {
    const { jobs } = loadRecording('02-minimal-job', (text) => text);
    const seen = toSeenJob(jobs.at(-1)?.object).observation;
    expect(seen).toMatchObject({ succeeded: 1, failed: 0, active: 0, completedAt: expect.any(String) });
    expect(seen.conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['SuccessCriteriaMet', 'True', 'CompletionsReached'],
      ['Complete', 'True', 'CompletionsReached'],
    ]);
  });

  test('is nobody of ours without our label', () => {
    const { jobs } = loadRecording('02-minimal-job', (text) => text);
    expect(toSeenJob(jobs[0]?.object).jobId).toBeNull();
  });
});

test.each([
  '02-minimal-job',
  '03-failing-backoff',
  '05-indexed',
  '06-pod-failure-policy',
  '07-active-deadline',
  '08-suspend',
  '09-on-failure-restarts',
  '10-stuck-pods',
  '12-delete',
  '19-termination',
])('everything that the watches of %s showed can be read', (name) => {
  const { jobs, pods } = loadRecording(name, (text) => text);
  for (const { object } of jobs) jobObservationSchema.parse(toSeenJob(object).observation);
  for (const { object } of pods) {
    const seen = toSeenPod(object);
    if (seen !== null) podObservationSchema.parse(seen.observation);
  }
  expect(jobs.length + pods.length).toBeGreaterThan(0);
});
