import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { completeJob, exitedPod, failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const at = (second: number) => ({ createdAt: `2026-01-01T10:00:0${second}Z` });
const find = (id: string) => stage.store.findJob(id);

test('a healthy run goes from QUEUED to SUCCEEDED, and its history tells it in order', () => {
  const id = stage.create();
  stage.store.observeJob(id, seenJob());
  stage.store.observePod(id, seenPod());
  stage.store.observePod(id, runningPod());
  stage.store.observePod(id, exitedPod(0));
  stage.store.observeJob(id, completeJob());
  expect(stage.history(id)).toEqual([
    'state:QUEUED',
    'state:CREATED',
    'pod:Pending',
    'pod:Running',
    'state:RUNNING',
    'pod:Succeeded',
    'state:SUCCEEDED',
  ]);
  expect(find(id)).toMatchObject({
    state: 'SUCCEEDED',
    kubernetes: { uid: 'job-uid', succeeded: 1, active: 0 },
    conditions: [{ type: 'Complete', status: 'True' }],
    tasks: [{ index: 0, attempts: [{ pod: 'report-bcdfghjklm-x7k2p', phase: 'Succeeded', exitCode: 0 }] }],
  });
});

test('the same looks again change nothing and write nothing', () => {
  const id = stage.create();
  const look = () => {
    stage.store.observeJob(id, completeJob());
    stage.store.observePod(id, exitedPod(0));
    stage.store.markPodGone(id, 'pod-uid');
    stage.store.markJobGone(id, 'job-uid');
  };
  look();
  const before = { job: find(id), seq: stage.store.lastSeq() };
  stage.advance(60_000);
  look();
  expect({ job: find(id), seq: stage.store.lastSeq() }).toEqual(before);
});

test('times come from the cluster when it was seen late, and never stand before the job or in the future', () => {
  const id = stage.create();
  stage.advance(3_600_000);
  stage.store.observePod(id, exitedPod(0));
  stage.store.observeJob(id, completeJob());
  expect(find(id)).toMatchObject({
    startedAt: '2026-01-01T10:00:02.000Z',
    finishedAt: '2026-01-01T10:00:09.000Z',
  });
  const early = stage.accept({ id: 'early', kubernetesName: 'early-b', generateName: 'early-' });
  stage.store.claimDispatch(early);
  stage.store.observeJob(
    early,
    completeJob({
      uid: 'early',
      name: 'early-b',
      startedAt: '2020-01-01T00:00:00Z',
      completedAt: '2099-01-01T00:00:00Z',
    }),
  );
  const now = stage.clock().toISOString();
  expect(find(early)).toMatchObject({ createdAt: now, startedAt: now, finishedAt: now });
});

describe('the uid', () => {
  test('is learned from the watch when it is faster than the answer', () => {
    const id = stage.accept();
    stage.store.claimDispatch(id);
    stage.store.observeJob(id, seenJob());
    expect(find(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid: 'job-uid' } });
  });

  test('is learned from a pod when that is faster than the Job', () => {
    const id = stage.accept();
    stage.store.claimDispatch(id);
    stage.store.observePod(id, runningPod());
    expect(find(id)).toMatchObject({ state: 'RUNNING', kubernetes: { uid: 'job-uid' } });
    stage.store.observeJob(id, completeJob({ uid: 'somebody-else' }));
    expect(find(id)?.state).toBe('RUNNING');
  });

  test('is learned from a pod whose name Kubernetes had to cut', () => {
    const kubernetesName = `report-${'x'.repeat(56)}`;
    const id = stage.accept({ kubernetesName });
    stage.store.claimDispatch(id);
    stage.store.observePod(
      id,
      runningPod({ name: `${kubernetesName.slice(0, 58)}-x7k2p`, jobName: kubernetesName }),
    );
    expect(find(id)).toMatchObject({ state: 'RUNNING', kubernetes: { uid: 'job-uid' } });
  });

  test('of another Job under the same name is ignored, and so are its pods', () => {
    const id = stage.create();
    stage.store.observeJob(id, failedJob('x', { uid: 'old-uid' }));
    stage.store.observePod(id, exitedPod(1, { jobUid: 'old-uid' }));
    stage.store.markJobGone(id, 'old-uid');
    expect(find(id)).toMatchObject({ state: 'CREATED', tasks: [] });
  });

  test('is not taken from a Job of another name that carries our label', () => {
    const id = stage.accept();
    stage.store.observeJob(id, completeJob({ name: 'handmade' }));
    stage.store.observePod(id, exitedPod(0, { jobName: 'handmade' }));
    expect(find(id)).toMatchObject({ state: 'QUEUED', kubernetes: { uid: null } });
  });

  test('found in the cluster by a restored backup adopts the Job: nothing is sent a second time', () => {
    const id = stage.accept();
    stage.store.observeJob(id, seenJob());
    expect(stage.store.nextToDispatch(1)).toEqual([]);
    expect(find(id)?.state).toBe('CREATED');
  });
});

describe('what is gone', () => {
  test('before anybody looked is LOST with a reason', () => {
    const id = stage.create();
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)).toMatchObject({ state: 'LOST', reason: 'OutcomeUnknown', kubernetes: { active: 0 } });
  });

  test('ends the job only with its last pod', () => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)?.state).toBe('RUNNING');
    stage.store.markPodGone(id, 'pod-uid');
    expect(find(id)).toMatchObject({
      state: 'LOST',
      tasks: [{ attempts: [{ phase: 'Unknown', reason: 'PodGone' }] }],
    });
  });

  test('ends the job when a pod that it left behind has ended', () => {
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    stage.store.observePod(id, runningPod({ orphaned: true }));
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)).toMatchObject({ state: 'RUNNING', reason: 'LeftBehind' });
    stage.store.observePod(id, exitedPod(0, { orphaned: true }));
    expect(find(id)).toMatchObject({ state: 'SUCCEEDED', reason: null });
  });

  test('ends the job too when the looks at the pod that it left behind come in another order', () => {
    const id = stage.create();
    stage.store.observePod(id, exitedPod(0, { orphaned: true }));
    stage.store.observePod(id, exitedPod(0));
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)?.state).toBe('SUCCEEDED');
  });

  test('says what to do about a pod that it left behind and that cannot start', () => {
    const id = stage.create();
    stage.store.observePod(id, seenPod({ reason: 'ImagePullBackOff', orphaned: true }));
    expect(find(id)?.reason).toBe('ImagePullBackOff');
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)).toMatchObject({
      state: 'CREATED',
      explanation: expect.stringContaining('delete the pod'),
    });
  });

  test('ends a job of many completions when all pods that it left behind have ended', () => {
    const id = stage.create({ spec: { completions: 3, parallelism: 3 } });
    const uids = ['pod-a', 'pod-b', 'pod-c'];
    for (const uid of uids) stage.store.observePod(id, runningPod({ uid, orphaned: true }));
    stage.store.markJobGone(id, 'job-uid');
    for (const uid of uids) {
      expect(find(id)?.state).toBe('RUNNING');
      stage.store.observePod(id, exitedPod(0, { uid, orphaned: true }));
    }
    expect(find(id)).toMatchObject({ state: 'SUCCEEDED' });
  });

  test('does not end the job while a pod of it that has ended is on its way out', () => {
    const id = stage.create();
    stage.store.observePod(id, exitedPod(143));
    stage.store.markJobGone(id, 'job-uid');
    expect(find(id)?.state).toBe('RUNNING');
  });

  test('does not come back by a list that is older than the watch', () => {
    const id = stage.create();
    stage.store.observePod(id, exitedPod(0));
    stage.store.markPodGone(id, 'pod-uid');
    stage.store.markJobGone(id, 'job-uid');
    const before = find(id);
    stage.store.observePod(id, runningPod());
    stage.store.observeJob(id, seenJob());
    expect(find(id)).toEqual(before);
    expect(stage.store.listUnsettled()).toEqual([]);
  });

  test('is asked for in the full compare until it is known to be gone', () => {
    stage.accept({ id: 'queued' });
    const id = stage.create();
    stage.store.observePod(id, runningPod());
    const here = { id, namespace: 'jobs', kubernetesName: 'report-bcdfghjklm', uid: 'job-uid' };
    const pods = [{ uid: 'pod-uid', name: 'report-bcdfghjklm-x7k2p', index: 0 }];
    expect(stage.store.listUnsettled()).toEqual([{ ...here, pods }]);
    stage.store.observeJob(id, completeJob());
    expect(stage.store.listUnsettled()).toEqual([{ ...here, pods }]);
    stage.store.markPodGone(id, 'pod-uid');
    expect(stage.store.listUnsettled()).toEqual([{ ...here, pods: [] }]);
    stage.store.markJobGone(id, 'job-uid');
    expect(stage.store.listUnsettled()).toEqual([]);
  });
});

test('a pod that ends after its Job still completes the picture, and no more', () => {
  const id = stage.create();
  stage.store.observePod(id, runningPod());
  stage.store.observeJob(id, completeJob());
  stage.store.observePod(id, exitedPod(0));
  expect(find(id)).toMatchObject({ state: 'SUCCEEDED', tasks: [{ attempts: [{ exitCode: 0 }] }] });
  expect(stage.history(id).at(-1)).toBe('pod:Succeeded');
});

test('the attempts of a task stand in the order of their age', () => {
  const id = stage.create({ spec: { completionMode: 'Indexed', completions: 2 } });
  stage.store.observePod(id, runningPod({ uid: 'b', index: 0, ...at(5) }));
  stage.store.observePod(id, exitedPod(1, { uid: 'a', index: 0, ...at(1) }));
  stage.store.observePod(id, runningPod({ uid: 'c', index: 1, ...at(0) }));
  const uids = find(id)?.tasks.map(({ index, attempts }) => [index, attempts.map(({ podUid }) => podUid)]);
  expect(uids).toEqual([
    [0, ['a', 'b']],
    [1, ['c']],
  ]);
});

test('the tally of many completions is told while the state stays', () => {
  const id = stage.create({ spec: { completions: 3 } });
  stage.store.observePod(id, runningPod());
  stage.store.observeJob(id, seenJob());
  const before = stage.history(id).length;
  stage.store.observeJob(id, seenJob({ succeeded: 1 }));
  stage.store.observeJob(id, seenJob({ succeeded: 1, ready: 1 }));
  expect(stage.history(id).slice(before)).toEqual(['state:RUNNING']);
});

test('looks at jobs that are not ours to know are ignored', () => {
  stage.store.observeJob('nobody', seenJob());
  stage.store.observePod('nobody', runningPod());
  stage.store.markPodGone('nobody', 'pod-uid');
  stage.store.markJobGone('nobody', 'job-uid');
  expect(stage.store.lastSeq()).toBe(0);
});
