import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { completeJob, exitedPod, failedJob, runningPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const find = (id: string) => stage.store.findJob(id);
const by = (podUid: string, task = 0) => ({ 'pod-uid': podUid, task });
const say = (id: string, status: string, more: object = {}) =>
  stage.store.addReport({ 'job-id': id, status, ...more });
/** The last word of the service on it: a pod that is refused goes home. */
const sendHome = (id: string, podUid: string) =>
  stage.store.addReport({ 'job-id': id, status: 'Working', ...by(podUid) }, { isFinalAnswer: true });

test('the worker’s latest word, progress and result are the job’s', () => {
  const id = stage.create();
  expect(say(id, 'Reading', { progress: 10, message: 'page 1' })).toEqual({ kind: 'kept', state: 'RUNNING' });
  stage.advance(1000);
  say(id, 'SUCCESS', { result: { rows: 7 } });
  expect(find(id)).toMatchObject({
    state: 'RUNNING',
    startedAt: '2026-01-01T10:00:00.500Z',
    report: { status: 'SUCCESS', message: null, progress: null, at: '2026-01-01T10:00:01.500Z' },
    result: { rows: 7 },
    reports: [
      { status: 'Reading', progress: 10, message: 'page 1', task: 0, podUid: null },
      { status: 'SUCCESS' },
    ],
  });
  expect(stage.history(id)).toEqual([
    'state:QUEUED',
    'state:CREATED',
    'report:Reading',
    'state:RUNNING',
    'report:SUCCESS',
  ]);
});

test.each(['SUCCESS', 'ERROR'])(
  'fault 15: a word on the way that comes behind the %s of its pod is kept, and is not the latest',
  (terminal) => {
    const id = stage.create();
    say(id, 'Reading', by('pod-uid'));
    say(id, terminal, by('pod-uid'));
    expect(say(id, 'Reading', { ...by('pod-uid'), progress: 40 })).toMatchObject({ kind: 'kept' });
    expect(find(id)).toMatchObject({
      report: { status: terminal, progress: null },
      tasks: [{ report: { status: terminal } }],
      reports: [{ status: 'Reading' }, { status: terminal }, { status: 'Reading', progress: 40 }],
    });
  },
);

test('fault 15: a word on the way that comes behind the end, and names no pod, is not the latest', () => {
  const id = stage.create();
  say(id, 'ERROR');
  stage.store.observePod(id, exitedPod(1));
  stage.store.observeJob(id, failedJob());
  expect(say(id, 'Reading')).toEqual({ kind: 'kept', state: 'FAILED' });
  expect(find(id)).toMatchObject({ state: 'FAILED', report: { status: 'ERROR' } });
});

test('who tries again after an ERROR, in the same pod or in another one, has the latest word', () => {
  const again = stage.create({ spec: { restartPolicy: 'OnFailure' } });
  say(again, 'ERROR', by('pod-uid'));
  say(again, 'Reading', by('pod-uid'));
  expect(find(again)?.report).toMatchObject({ status: 'Reading' });
  const another = stage.accept({ id: 'job-2', kubernetesName: 'report-another' });
  say(another, 'ERROR', by('first'));
  say(another, 'Reading', by('second'));
  expect(find(another)?.report).toMatchObject({ status: 'Reading' });
});

test('a report for a job that is not there is told so', () => {
  expect(say('nobody', 'SUCCESS')).toEqual({ kind: 'unknown-job' });
});

test('the words of several tasks stand beside each other', () => {
  const id = stage.create({ spec: { completionMode: 'Indexed', completions: 2 } });
  say(id, 'one', { task: 0 });
  say(id, 'two', { task: 1 });
  say(id, 'three', { task: 0 });
  expect(find(id)?.tasks.map(({ index, report }) => [index, report?.status])).toEqual([
    [0, 'three'],
    [1, 'two'],
  ]);
});

describe('after the end', () => {
  test('a report that agrees is kept and changes no state', () => {
    const id = stage.create();
    stage.store.observeJob(id, completeJob());
    expect(say(id, 'Done', { result: 42 })).toEqual({ kind: 'kept', state: 'SUCCEEDED' });
    expect(find(id)).toMatchObject({ state: 'SUCCEEDED', result: 42, discrepancy: null });
  });

  test.each<[string, string, () => void]>([
    ['ERROR', 'SUCCEEDED', () => stage.store.observeJob('job-1', completeJob())],
    ['SUCCESS', 'FAILED', () => stage.store.observeJob('job-1', failedJob())],
    ['SUCCESS', 'LOST', () => stage.store.markJobGone('job-1', 'job-uid')],
  ])('%s contradicts %s: it is kept as a discrepancy and changes nothing else', (word, state, end) => {
    const id = stage.create();
    say(id, 'Working');
    end();
    expect(say(id, word, { result: 'late' })).toEqual({ kind: 'contradicts', state });
    expect(find(id)).toMatchObject({
      state,
      report: { status: 'Working' },
      result: null,
      discrepancy: `The worker reported ${word} after the job had ended as ${state}.`,
    });
    expect(stage.store.listEvents({ after: 0, jobId: id, limit: 100 }).at(-1)).toMatchObject({
      kind: 'report',
      state,
      discrepancy: expect.stringContaining(word),
    });
  });

  test('an hour after the end nothing is added any more, whatever it says', () => {
    const id = stage.create();
    stage.store.observeJob(id, completeJob());
    stage.advance(3_600_000);
    expect(say(id, 'SUCCESS', { result: 'in time' })).toMatchObject({ kind: 'kept' });
    stage.advance(60_000);
    const before = find(id);
    for (const word of ['SUCCESS', 'ERROR', 'a word'])
      expect(say(id, word, { result: 'late' })).toEqual({ kind: 'too-late' });
    expect(find(id)).toEqual(before);
    expect(stage.history(id).at(-1)).toBe('report:SUCCESS');
  });

  test('one task’s report does not contradict the end of many', () => {
    const id = stage.create({ spec: { completions: 2 } });
    stage.store.observeJob(id, completeJob());
    expect(say(id, 'ERROR')).toEqual({ kind: 'kept', state: 'SUCCEEDED' });
  });
});

describe('a task', () => {
  const refused = { kind: 'claimed-by-another-pod' };
  const kept = expect.objectContaining({ kind: 'kept' });

  test('belongs to the first pod that reports with its uid', () => {
    const id = stage.create();
    expect(say(id, 'Working', by('a'))).toEqual(kept);
    expect(say(id, 'Working', by('b'))).toEqual(refused);
    expect(say(id, 'Still working', by('a'))).toEqual(kept);
    expect(find(id)?.reports).toHaveLength(2);
  });

  test('is not done by the pod that was sent home, whatever Kubernetes makes of its exit', () => {
    const id = stage.create();
    say(id, 'Working', by('a'));
    stage.store.observePod(id, runningPod({ uid: 'b' }));
    expect(sendHome(id, 'b')).toEqual(refused);
    stage.store.observePod(id, exitedPod(0, { uid: 'b' }));
    stage.store.observePod(id, runningPod({ uid: 'a', deletedAt: '2026-01-01T10:00:09Z' }));
    stage.store.observeJob(id, completeJob());
    expect(find(id)?.state).toBe('RUNNING');
    stage.store.markPodGone(id, 'a');
    expect(find(id)).toMatchObject({ state: 'FAILED', reason: 'StartedTwice' });
  });

  test('is done by a pod that was sent home and then granted it, as the retry that it was', () => {
    const id = stage.create({ spec: { backoffLimit: 1 } });
    say(id, 'Working', by('a'));
    stage.store.observePod(id, runningPod({ uid: 'b' }));
    expect(sendHome(id, 'b')).toEqual(refused);
    stage.store.observePod(id, exitedPod(1, { uid: 'a' }));
    expect(say(id, 'Working', by('b'))).toEqual(kept);
    stage.store.observePod(id, exitedPod(0, { uid: 'b' }));
    stage.store.observeJob(id, completeJob({ failed: 1 }));
    expect(find(id)?.state).toBe('SUCCEEDED');
  });

  test('is done by a pod that was refused, and told to ask again', () => {
    const id = stage.create({ spec: { backoffLimit: 1 } });
    say(id, 'Working', by('a'));
    stage.store.observePod(id, runningPod({ uid: 'b' }));
    expect(say(id, 'Working', by('b'))).toEqual(refused);
    stage.store.observePod(id, exitedPod(0, { uid: 'b' }));
    stage.store.observeJob(id, completeJob());
    expect(find(id)?.state).toBe('SUCCEEDED');
  });

  test('is held across a restart of the service', () => {
    const id = stage.create();
    say(id, 'Working', by('a'));
    stage.reopen();
    expect(say(id, 'Working', by('b'))).toEqual(refused);
  });

  test.each<[string, () => void]>([
    ['has been seen to end', () => stage.store.observePod('job-1', exitedPod(1, { uid: 'a' }))],
    [
      'is gone',
      () => {
        stage.store.observePod('job-1', runningPod({ uid: 'a' }));
        stage.store.markPodGone('job-1', 'a');
      },
    ],
    ['has reported ERROR', () => say('job-1', 'ERROR', by('a'))],
  ])(
    'passes to the next attempt when the pod that held it %s, which may still have its last word',
    (_name, end) => {
      const id = stage.create({ spec: { backoffLimit: 1 } });
      say(id, 'Working', by('a'));
      end();
      expect(say(id, 'Working', by('b'))).toEqual(kept);
      expect(say(id, 'ERROR', by('a'))).toEqual(kept);
      expect(say(id, 'Working', by('c'))).toEqual(refused);
    },
  );

  test('is claimed apart from the other tasks', () => {
    const id = stage.create({ spec: { completionMode: 'Indexed', completions: 2 } });
    expect(say(id, 'Working', by('a', 0))).toEqual(kept);
    expect(say(id, 'Working', by('b', 1))).toEqual(kept);
  });

  test('is shared where Kubernetes gives the pods no index of their own', () => {
    const id = stage.create({ spec: { completions: 2, parallelism: 2 } });
    expect(say(id, 'Working', by('a'))).toEqual(kept);
    expect(say(id, 'Working', by('b'))).toEqual(kept);
  });

  test('is claimed by nobody who gives no uid', () => {
    const id = stage.create();
    say(id, 'Working', by('a'));
    expect(say(id, 'A word from a script')).toEqual(kept);
  });
});

test('a report proves that a create was sent, even if a restored backup has forgotten its claim', () => {
  const id = stage.accept();
  say(id, 'Working');
  expect(stage.store.requestCancel(id, 'User')).toBe('requested');
  expect(stage.store.nextToDispatch(1)).toMatchObject([{ id, claimedAt: stage.clock().toISOString() }]);
});

test('of a worker that never stops talking the job shows the last words', () => {
  const id = stage.create();
  for (let nth = 0; nth < 230; nth += 1) say(id, `word ${nth}`);
  const reports = find(id)?.reports ?? [];
  expect(reports).toHaveLength(200);
  expect(reports.at(-1)?.status).toBe('word 229');
});
