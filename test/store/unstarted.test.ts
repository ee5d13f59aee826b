import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const list = () => stage.store.listUnstarted({ after: 0, limit: 100 });
const waiting = () => list().map(({ id, waitsForQuota }) => [id, waitsForQuota]);
const page = (after: number) => stage.store.listUnstarted({ after, limit: 2 }).map(({ id }) => id);
const find = (id: string) => stage.store.findJob(id);
const refusal = 'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest"';

test('a job waits to start from its creation until something has run or spoken', () => {
  const id = stage.accept();
  expect(list()).toEqual([]);
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  expect(list()).toEqual([{ number: 1, id, uid: 'job-uid', hasPod: false, waitsForQuota: false }]);
  stage.store.observePod(id, seenPod({ reason: 'ImagePullBackOff' }));
  expect(list()).toEqual([{ number: 1, id, uid: 'job-uid', hasPod: true, waitsForQuota: false }]);
  stage.store.observePod(id, runningPod());
  expect(list()).toEqual([]);
});

test.each<[string, (id: string) => void]>([
  ['has reported', (id) => stage.store.addReport({ 'job-id': id, status: 'Working' })],
  ['is to be cancelled', (id) => stage.store.requestCancel(id, 'User')],
  ['has ended', (id) => stage.store.markJobGone(id, 'job-uid')],
])('a job that %s does not wait to start', (_name, happen) => {
  const id = stage.create();
  happen(id);
  expect(list()).toEqual([]);
});

test('they come a page at a time, the oldest first', () => {
  for (const id of ['c', 'a', 'b']) stage.create({ id, kubernetesName: `report-${id}` });
  expect([page(0), page(2), page(3)]).toEqual([['c', 'a'], ['b'], []]);
});

test('a refused pod is told once, and forgotten when there is a pod', () => {
  const id = stage.create();
  stage.store.keepPodRefusal(id, refusal);
  stage.store.keepPodRefusal(id, refusal);
  expect(find(id)).toMatchObject({
    state: 'CREATED',
    reason: 'FailedCreate',
    explanation: expect.stringContaining('violates PodSecurity'),
  });
  expect(stage.history(id)).toEqual(['state:QUEUED', 'state:CREATED', 'state:CREATED']);
  stage.store.observePod(id, seenPod());
  expect(find(id)).toMatchObject({ state: 'CREATED', reason: null, explanation: null });
});

test('a job waits for quota for as long as that is the latest word on its pod, and it has none', () => {
  const first = stage.create({ id: 'a', kubernetesName: 'report-a' });
  const second = stage.create({ id: 'b', kubernetesName: 'report-b' });
  const full =
    'Error creating: pods "a" is forbidden: exceeded quota: jobs, requested: pods=1, used: pods=2, limited: pods=2';
  stage.store.keepPodRefusal(second, full);
  expect(waiting()).toEqual([
    [first, false],
    [second, true],
  ]);
  expect(find(second)).toMatchObject({ state: 'CREATED', reason: 'QuotaExceeded' });
  stage.store.keepPodRefusal(second, refusal);
  expect(waiting()).toEqual([
    [first, false],
    [second, false],
  ]);
  stage.store.keepPodRefusal(first, full);
  stage.store.observePod(first, seenPod());
  expect(waiting()).toEqual([
    [first, false],
    [second, false],
  ]);
});

test('a refused pod is the cause that a deadline names at the end', () => {
  const id = stage.create();
  stage.store.keepPodRefusal(id, refusal);
  stage.store.observeJob(id, failedJob('DeadlineExceeded'));
  expect(find(id)).toMatchObject({
    state: 'FAILED',
    reason: 'DeadlineExceeded',
    explanation: expect.stringContaining('violates PodSecurity'),
  });
  const before = find(id);
  stage.store.keepPodRefusal(id, 'something else');
  expect(find(id)).toEqual(before);
});

test('a job that did not start in time remembers what it waited for', () => {
  const id = stage.create();
  stage.store.observeJob(id, seenJob());
  stage.store.observePod(id, seenPod({ reason: 'ErrImagePull', message: 'no such host' }));
  expect(stage.store.requestCancel(id, 'StartDeadline')).toBe('requested');
  // What a kubelet makes of a container that it never started.
  stage.store.observePod(id, seenPod({ phase: 'Failed', exitCode: 137, reason: 'ContainerStatusUnknown' }));
  stage.store.markPodGone(id, 'pod-uid');
  stage.store.markJobGone(id, 'job-uid');
  expect(find(id)).toMatchObject({
    state: 'FAILED',
    reason: 'StartDeadline',
    explanation: 'The job did not start in time and was removed. The image could not be pulled: no such host',
  });
});
