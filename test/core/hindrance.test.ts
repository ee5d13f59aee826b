import { describe, expect, test } from '@jest/globals';
import { decide } from '../../src/core/decide.ts';
import { byDeadline, byUser, facts, gone, here, said } from '../support/known-facts.ts';
import { completeJob, exitedPod, failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';

const refusal = 'Error creating: pods "a-b" is forbidden: violates PodSecurity "restricted:latest"';
const quota = 'Error creating: pods "a-b" is forbidden: exceeded quota: pods, requested: pods=1';
const left = { job: { ...seenJob(), ...gone } };

describe('a job whose pod the cluster refuses', () => {
  test('says so in the words of the cluster while it waits', () => {
    expect(decide(facts({ podRefusal: refusal }))).toMatchObject({
      state: 'CREATED',
      reason: 'FailedCreate',
      explanation: `Kubernetes could not create the pod: ${refusal}`,
    });
  });

  test('says that it is for want of room', () => {
    const { reason, explanation } = decide(facts({ podRefusal: quota }));
    expect([reason, explanation]).toEqual(['QuotaExceeded', expect.stringContaining('exceeded quota: pods')]);
  });

  test('says nothing of it any more once there was a pod', () => {
    const pods = [{ ...seenPod(), ...here }];
    expect(decide(facts({ podRefusal: refusal, pods }))).toMatchObject({ reason: null, explanation: null });
    const job = { ...failedJob('DeadlineExceeded'), ...here };
    const { explanation } = decide(facts({ job, podRefusal: refusal, pods: [{ ...runningPod(), ...gone }] }));
    expect(explanation).not.toContain('PodSecurity');
  });

  test('names it as the cause when its deadline ends it', () => {
    const job = { ...failedJob('DeadlineExceeded'), ...here };
    expect(decide(facts({ job, podRefusal: refusal }))).toMatchObject({
      state: 'FAILED',
      reason: 'DeadlineExceeded',
      explanation: expect.stringMatching(/never started .*violates PodSecurity/),
    });
  });
});

test('a job that waited and then ran into its deadline is not told to have never started', () => {
  const pods = [{ ...runningPod(), ...gone, stopped: true, waitedFor: 'No node can take the pod.' }];
  const { explanation } = decide(facts({ job: { ...failedJob('DeadlineExceeded'), ...here }, pods }));
  expect(explanation).not.toContain('never started');
});

describe('a job that did not start in time', () => {
  test('names what its pod waited for, whatever became of that pod since', () => {
    const waitedFor = 'The image could not be pulled: no such host';
    const unknown = seenPod({ phase: 'Failed', exitCode: 137, reason: 'ContainerStatusUnknown' });
    const pods = [{ ...unknown, ...gone, waitedFor }];
    expect(decide(facts({ ...left, pods, cancel: byDeadline }))).toMatchObject({
      state: 'FAILED',
      reason: 'StartDeadline',
      explanation: `The job did not start in time and was removed. ${waitedFor}`,
    });
    const job = { ...failedJob('DeadlineExceeded'), ...here };
    expect(decide(facts({ job, pods: [{ ...unknown, ...gone, stopped: true, waitedFor }] }))).toMatchObject({
      reason: 'DeadlineExceeded',
      explanation: `The job never started within its activeDeadlineSeconds. ${waitedFor}`,
    });
  });

  test('of several pods names one that said what it waited for', () => {
    const waitedFor = 'No node can take the pod: no room';
    const pods = [
      { ...seenPod({ uid: 'older' }), ...gone, waitedFor },
      { ...seenPod({ uid: 'younger', createdAt: '2026-01-01T10:00:05Z' }), ...gone },
    ];
    expect(decide(facts({ ...left, completions: 2, pods, cancel: byDeadline })).explanation).toContain(
      'no room',
    );
  });

  test('names the refusal of its pod', () => {
    const { explanation } = decide(facts({ ...left, podRefusal: refusal, cancel: byDeadline }));
    expect(explanation).toMatch(/not start in time.*violates PodSecurity/);
  });

  test('waits for its Job to leave, and ends as its pod did where that was faster', () => {
    const cancel = byDeadline;
    const running = { job: { ...seenJob(), ...here }, pods: [{ ...runningPod(), ...here }], cancel };
    expect(decide(facts(running)).state).toBe('RUNNING');
    const complete = { ...completeJob(), ...here };
    expect(decide(facts({ job: complete, cancel })).state).toBe('SUCCEEDED');
    expect(decide(facts({ ...left, pods: [{ ...exitedPod(0), ...gone }], cancel })).state).toBe('SUCCEEDED');
    expect(decide(facts({ ...left, reports: [said('SUCCESS')], cancel })).state).toBe('SUCCEEDED');
  });

  test('is CANCELLED where a person wanted that as well', () => {
    expect(decide(facts({ ...left, cancel: byUser }))).toMatchObject({ state: 'CANCELLED' });
  });
});
