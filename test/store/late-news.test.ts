import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { exitedPod, failedJob, runningPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const find = (id: string) => stage.store.findJob(id);

test.each([
  ['its exit code', exitedPod(3), 'BackoffLimitExceeded', /exited with code 3\.$/],
  ['its memory', exitedPod(137, { reason: 'OOMKilled' }), 'OOMKilled', /^The container used more memory/],
  ['its eviction', exitedPod(137, { reason: 'Evicted', message: 'low on disk' }), 'Evicted', /low on disk$/],
])(
  'fault 16: a Job whose failure overtakes the end of its pod is explained by %s all the same',
  (_what, pod, reason, explanation) => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    stage.store.observeJob(id, failedJob());
    const { finishedAt } = find(id) ?? {};
    expect(find(id)).toMatchObject({ state: 'FAILED', reason: 'BackoffLimitExceeded' });
    stage.advance(60_000);
    stage.store.observePod(id, pod);
    expect(find(id)).toMatchObject({
      state: 'FAILED',
      reason,
      explanation: expect.stringMatching(explanation),
      finishedAt,
      discrepancy: null,
    });
    const events = stage.store.listEvents({ after: 0, jobId: id, limit: 100 });
    expect(events.at(-1)).toMatchObject({ kind: 'state', state: 'FAILED', reason });
    stage.store.observePod(id, pod);
    expect(stage.store.listEvents({ after: 0, jobId: id, limit: 100 })).toEqual(events);
    // It has ended once, whatever was told of it later.
    expect(stage.store.listEnds({ after: 0, upTo: stage.store.lastSeq() })).toHaveLength(1);
  },
);

test('what is seen of a pod after another end than a failure explains nothing', () => {
  const id = stage.create();
  stage.store.requestCancel(id, 'User');
  stage.store.observePod(id, runningPod());
  stage.store.markPodGone(id, 'pod-uid');
  stage.store.markJobGone(id, 'job-uid');
  const before = find(id);
  expect(before).toMatchObject({ state: 'CANCELLED', reason: 'Cancelled' });
  stage.store.observePod(id, exitedPod(137));
  expect(find(id)).toMatchObject({ state: 'CANCELLED', explanation: before?.explanation });
});

test('what is seen of a pod after the end says when the work began, and never later than it ended', () => {
  const id = stage.create();
  stage.store.observeJob(id, failedJob());
  const { finishedAt } = find(id) ?? {};
  expect(find(id)).toMatchObject({ state: 'FAILED', startedAt: null });
  stage.advance(60_000);
  stage.store.observePod(id, exitedPod(3));
  const { startedAt } = find(id) ?? {};
  expect(startedAt).not.toBeNull();
  expect(Date.parse(startedAt ?? '')).toBeLessThanOrEqual(Date.parse(finishedAt ?? ''));
  expect(find(id)).toMatchObject({ state: 'FAILED', finishedAt });
});
