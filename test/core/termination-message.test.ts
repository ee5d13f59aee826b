import { describe, expect, test } from '@jest/globals';
import { decide } from '../../src/core/decide.ts';
import { findOutcome } from '../../src/core/report.ts';
import { toTerminationMessage } from '../../src/job-worker/termination-message.ts';
import { facts, gone, here, left, said } from '../support/known-facts.ts';
import { completeJob, exitedPod, failedJob, seenJob } from '../support/sightings.ts';

/** The one pod, as it ended. */
const exit = (code: number) => [{ ...exitedPod(code), ...here }];

describe('an outcome in a termination message', () => {
  test('is what our worker left there', () => {
    const outcome = { status: 'SUCCESS', message: null, result: { rows: 7 }, exitCode: 0 } as const;
    expect(findOutcome(toTerminationMessage(outcome))).toEqual({
      status: 'SUCCESS',
      message: null,
      result: { rows: 7 },
    });
  });

  test.each<[string, string]>([
    ['text', 'Segmentation fault'],
    ['half a document', '{"status":"SUCCESS","message":"cut'],
    ['another type', '["SUCCESS"]'],
    ['nothing', ''],
    ['a word on the way', '{"status":"Processing..."}'],
    ['a status of 300 characters', JSON.stringify({ status: 'S'.repeat(300) })],
    ["somebody else's fields", '{"status":"error","level":"fatal"}'],
    ["another job's report", '{"status":"SUCCESS","job-id":"another"}'],
    ['64 KiB', JSON.stringify({ status: 'SUCCESS', result: 'x'.repeat(64 * 1024 - 100) })],
    [
      'JSON nested too deep to be written',
      `{"status":"SUCCESS","result":${'['.repeat(1900)}${']'.repeat(1900)}}`,
    ],
  ])('is not %s', (_name, message) => {
    expect(findOutcome(message)).toBeNull();
  });
});

describe('of a pod whose reports were lost, the message', () => {
  const complete = { ...completeJob(), ...here };
  const failed = { ...failedJob(), ...here };

  test('counts as its report would', () => {
    expect(decide(facts({ job: failed, pods: exit(1), reports: [left('SUCCESS')] }))).toMatchObject({
      state: 'SUCCEEDED',
      discrepancy: expect.stringContaining('reported SUCCESS'),
    });
    expect(decide(facts({ job: complete, pods: exit(0), reports: [left('ERROR')] }))).toMatchObject({
      state: 'FAILED',
      discrepancy: expect.stringContaining('exited with code 0'),
    });
  });

  test('fills the silence where the Job left unseen', () => {
    const pods = [{ ...exitedPod(1), ...gone }];
    const job = { ...seenJob(), ...gone };
    expect(decide(facts({ job, pods, reports: [left('ERROR')] })).state).toBe('FAILED');
    expect(decide(facts({ job, pods })).state).toBe('LOST');
  });

  test('counts for nothing beside a terminal report that is the same pod’s, or may be', () => {
    const messages = [left('SUCCESS')];
    for (const own of [said('ERROR'), said('ERROR', null)]) {
      expect(decide(facts({ job: failed, pods: exit(1), reports: [...messages, own] })).state).toBe('FAILED');
    }
    const reports = [...messages, said(null)];
    expect(decide(facts({ job: failed, pods: exit(1), reports })).state).toBe('SUCCEEDED');
  });

  test('of each attempt is its own', () => {
    const pods = [
      { ...exitedPod(1, { uid: 'first' }), ...here },
      { ...exitedPod(1, { uid: 'second' }), ...here },
    ];
    const reports = [said('ERROR', 'first'), left('SUCCESS', 'second')];
    expect(decide(facts({ job: failed, pods, reports })).state).toBe('SUCCEEDED');
  });
});
