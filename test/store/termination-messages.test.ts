import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PodObservation } from '../../src/core/facts.ts';
import { completeJob, exitedPod, failedJob, runningPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const find = (id: string) => stage.store.findJob(id);
const say = (id: string, status: string, more: object = {}) =>
  stage.store.addReport({ 'job-id': id, status, ...more });
const words = (id: string) => find(id)?.reports.map(({ status, podUid }) => [status, podUid]);

/** A pod that ended and left this outcome. */
function ended(exitCode: number, outcome: unknown, changes: Partial<PodObservation> = {}): PodObservation {
  return exitedPod(exitCode, { terminationMessage: JSON.stringify(outcome), ...changes });
}

const success = { status: 'SUCCESS', message: 'all done', result: { rows: 7 } };
const failure = { status: 'ERROR', message: 'Exit code 1.' };

test('the outcome that a pod left behind is its report where every report was lost', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  stage.store.observePod(id, ended(0, success));
  stage.store.observeJob(id, completeJob());
  expect(find(id)).toMatchObject({
    state: 'SUCCEEDED',
    report: { status: 'SUCCESS', message: 'all done' },
    result: { rows: 7 },
    reports: [{ status: 'SUCCESS', task: 0, podUid: 'pod-uid' }],
    tasks: [{ report: { status: 'SUCCESS' } }],
    discrepancy: null,
  });
  expect(stage.history(id).slice(-3)).toEqual(['pod:Succeeded', 'report:SUCCESS', 'state:SUCCEEDED']);
});

test('the same look again adds nothing, nor does one after a restart', () => {
  const id = stage.create();
  stage.store.observePod(id, ended(0, success));
  const before = { job: find(id), seq: stage.store.lastSeq() };
  stage.store.observePod(id, ended(0, success));
  stage.reopen();
  stage.store.observePod(id, ended(0, success));
  expect({ job: find(id), seq: stage.store.lastSeq() }).toEqual(before);
  stage.store.observePod(id, ended(0, success, { deletedAt: '2026-01-01T10:00:09Z' }));
  expect(words(id)).toHaveLength(1);
});

test('a report that was only late agrees with the message', () => {
  const id = stage.create();
  stage.store.observePod(id, ended(0, success));
  stage.store.observeJob(id, completeJob());
  expect(say(id, 'SUCCESS', { result: { rows: 7 } })).toEqual({ kind: 'kept', state: 'SUCCEEDED' });
  expect(find(id)).toMatchObject({ state: 'SUCCEEDED', discrepancy: null });
});

test.each([
  ['the pod itself', { 'pod-uid': 'pod-uid' }],
  ['a script that names no pod', {}],
])('a terminal report of %s makes the message superfluous', (_name, by) => {
  const id = stage.create();
  say(id, 'Done', by);
  stage.store.observePod(id, ended(0, failure));
  expect(find(id)).toMatchObject({ report: { status: 'Done' }, reports: [{ status: 'Done' }] });
});

test('a message that stood before the report of its pod does not outvote it', () => {
  const id = stage.create();
  stage.store.observePod(id, ended(1, success));
  say(id, 'ERROR', { 'pod-uid': 'pod-uid' });
  stage.store.observeJob(id, failedJob());
  expect(find(id)).toMatchObject({ state: 'FAILED', report: { status: 'ERROR' }, discrepancy: null });
});

test('progress that got through is no outcome, and is never later than the message', () => {
  const id = stage.create();
  stage.advance(8400);
  say(id, 'Processing...', { progress: 90, 'pod-uid': 'pod-uid' });
  stage.advance(60_000);
  stage.store.observePod(id, ended(0, success));
  expect(find(id)).toMatchObject({
    report: { status: 'SUCCESS', at: '2026-01-01T10:00:08.900Z' },
    result: { rows: 7 },
  });
});

test.each<[string, string]>([
  ['64 KiB', JSON.stringify({ ...success, message: 'x'.repeat(64 * 1024) })],
  ['no JSON', 'panic: runtime error'],
  ['a status of 300 characters', JSON.stringify({ status: 'x'.repeat(300) })],
  ['a word on the way', JSON.stringify({ status: 'Processing...' })],
])('a message of %s changes nothing', (_name, terminationMessage) => {
  const id = stage.create();
  stage.store.observePod(id, exitedPod(1, { terminationMessage }));
  stage.store.observeJob(id, failedJob());
  expect(find(id)).toMatchObject({ state: 'FAILED', report: null, result: null, reports: [] });
});

test('the message of a container that may run again in its pod is not the last word', () => {
  const id = stage.create();
  const between = runningPod({
    exitCode: 1,
    reason: 'Error',
    terminationMessage: JSON.stringify(failure),
    finishedAt: '2026-01-01T10:00:04Z',
  });
  stage.store.observePod(id, between);
  stage.store.observePod(id, runningPod({ restarts: 1 }));
  stage.store.observePod(id, ended(0, success, { restarts: 1 }));
  expect(words(id)).toEqual([['SUCCESS', 'pod-uid']]);
});

/** The first attempt failed, the second did the work. */
const attempts = [
  ended(1, failure, { uid: 'first' }),
  ended(0, success, {
    uid: 'second',
    createdAt: '2026-01-01T10:00:18Z',
    startedAt: '2026-01-01T10:00:19Z',
    finishedAt: '2026-01-01T10:00:25Z',
  }),
];
const after = completeJob({ failed: 1, completedAt: '2026-01-01T10:00:26Z' });

test.each<[string, ((id: string) => void)[]]>([
  ['in turn', [...attempts.map(look), jobSeen]],
  ['the younger pod first', [...attempts.toReversed().map(look), jobSeen]],
  ['after the end', [jobSeen, ...attempts.map(look)]],
  ['after the end, the younger pod first', [jobSeen, ...attempts.toReversed().map(look)]],
])('each attempt has its own message, and the last attempt the last word: seen %s', (_name, steps) => {
  const id = stage.create({ spec: { backoffLimit: 1 } });
  stage.advance(600_000);
  for (const step of steps) step(id);
  expect(find(id)).toMatchObject({
    state: 'SUCCEEDED',
    finishedAt: '2026-01-01T10:00:26.000Z',
    report: { status: 'SUCCESS', at: '2026-01-01T10:00:25.000Z' },
    result: { rows: 7 },
    tasks: [{ report: { status: 'SUCCESS' } }],
    discrepancy: null,
  });
  expect(words(id)?.toSorted()).toEqual([
    ['ERROR', 'first'],
    ['SUCCESS', 'second'],
  ]);
});

function look(pod: PodObservation) {
  return (id: string) => stage.store.observePod(id, pod);
}

function jobSeen(id: string) {
  stage.store.observeJob(id, after);
}

test('after the end a message that contradicts it is kept as a discrepancy and changes nothing else', () => {
  const id = stage.create();
  stage.store.observeJob(id, failedJob('DeadlineExceeded'));
  stage.store.observePod(id, ended(0, success));
  const discrepancy = 'The worker reported SUCCESS after the job had ended as FAILED.';
  expect(find(id)).toMatchObject({ state: 'FAILED', report: null, result: null, discrepancy });
});

test('ERROR of a container that exited 0 follows the rules of a report', () => {
  const id = stage.create();
  stage.store.observePod(id, ended(0, failure));
  stage.store.observeJob(id, completeJob());
  expect(find(id)).toMatchObject({
    state: 'FAILED',
    discrepancy: 'The worker reported ERROR, but its container exited with code 0.',
  });
});

test('of several completions each task has the message of its own pod', () => {
  const id = stage.create({ spec: { completionMode: 'Indexed', completions: 2 } });
  say(id, 'Done', { task: 0, 'pod-uid': 'a' });
  stage.store.observePod(id, ended(0, success, { uid: 'a', index: 0 }));
  stage.store.observePod(id, ended(0, success, { uid: 'b', index: 1 }));
  expect(find(id)?.tasks.map(({ report }) => report?.status)).toEqual(['Done', 'SUCCESS']);
  expect(words(id)).toEqual([
    ['Done', 'a'],
    ['SUCCESS', 'b'],
  ]);
});
