import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { seenJob } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const next = (limit = 10, except?: ReadonlySet<string>) =>
  stage.store.nextToDispatch(limit, except).map((item) => item.id);

test('the queue goes by priority, then by age', () => {
  stage.accept({ id: 'first' });
  stage.accept({ id: 'urgent', spec: { priority: 5 } });
  stage.accept({ id: 'second' });
  stage.accept({ id: 'idle', spec: { priority: -1 } });
  expect(next()).toEqual(['urgent', 'first', 'second', 'idle']);
  expect(next(1)).toEqual(['urgent']);
});

test('what the caller has in its hands does not stand in the way of others', () => {
  for (const id of ['a', 'b', 'c']) stage.accept({ id });
  expect(next(1, new Set(['a', 'b']))).toEqual(['c']);
});

test('a claim without an outcome is handed out again after a restart, with its name and its first time', () => {
  const id = stage.accept();
  expect(stage.store.claimDispatch(id)).toBe(true);
  stage.reopen();
  stage.advance(5000);
  expect(stage.store.claimDispatch(id)).toBe(true);
  expect(stage.store.nextToDispatch(1)).toMatchObject([
    {
      id,
      kubernetesName: 'report-bcdfghjklm',
      claimedAt: '2026-01-01T10:00:00.500Z',
      cancelRequested: false,
    },
  ]);
  expect(stage.store.countInCluster()).toBe(1);
});

test('a created job leaves the queue and holds a place until it ends', () => {
  const id = stage.create();
  expect(next()).toEqual([]);
  expect(stage.store.countInCluster()).toBe(1);
  expect(stage.store.findJob(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid: 'job-uid' } });
  stage.store.markJobGone(id, 'job-uid');
  expect(stage.store.countInCluster()).toBe(0);
});

test('the answer to a create that the watch has overtaken changes nothing', () => {
  const id = stage.accept();
  stage.store.claimDispatch(id);
  stage.store.observeJob(id, seenJob());
  expect(next()).toEqual([]);
  const before = stage.history(id);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  expect(stage.history(id)).toEqual(before);
});

test('a refused job is FAILED with the server’s own words', () => {
  const id = stage.accept();
  stage.store.claimDispatch(id);
  stage.store.settleRefused(id, { reason: 'Invalid', message: 'spec.template: Required value' });
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'FAILED',
    reason: 'Invalid',
    explanation: expect.stringContaining('spec.template: Required value'),
  });
});

test('a create that nobody can tell the outcome of is LOST, and never sent again', () => {
  const id = stage.accept();
  stage.store.claimDispatch(id);
  stage.store.settleUnknown(id, { message: 'Nobody answered in time.' });
  expect(stage.store.findJob(id)).toMatchObject({
    state: 'LOST',
    reason: 'OutcomeUnknown',
    explanation: 'Nobody answered in time.',
  });
  expect(next()).toEqual([]);
  expect(stage.store.claimDispatch(id)).toBe(false);
});

test('the first outcome stays', () => {
  const id = stage.create();
  stage.store.settleRefused(id, { reason: 'Invalid', message: 'late' });
  stage.store.settleUnknown(id, { message: 'late' });
  stage.store.settleCreated(id, { uid: 'another-uid' });
  expect(stage.store.findJob(id)).toMatchObject({ state: 'CREATED', kubernetes: { uid: 'job-uid' } });
});

test('a cancelled job cannot be claimed any more', () => {
  const id = stage.accept();
  stage.store.requestCancel(id, 'User');
  expect(stage.store.claimDispatch(id)).toBe(false);
  expect(next()).toEqual([]);
});

test('a new name is taken only while the create is open', () => {
  const id = stage.accept();
  stage.store.renameJob(id, { kubernetesName: 'report-other' });
  expect(stage.store.findJob(id)?.kubernetes.name).toBe('report-other');
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  stage.store.renameJob(id, { kubernetesName: 'report-third' });
  expect(stage.store.findJob(id)?.kubernetes.name).toBe('report-other');
});

test('a queued job says why it waits, once, and forgets it when it is created', () => {
  const id = stage.accept();
  const why = { reason: 'QuotaExceeded', explanation: 'The quota is full.' };
  stage.store.noteQueued(id, why);
  stage.store.noteQueued(id, why);
  expect(stage.store.findJob(id)).toMatchObject({ state: 'QUEUED', ...why });
  expect(stage.history(id)).toEqual(['state:QUEUED', 'state:QUEUED']);
  stage.store.claimDispatch(id);
  stage.store.requestCancel(id, 'User');
  expect(stage.store.findJob(id)).toMatchObject(why);
  stage.store.settleCreated(id, { uid: 'job-uid' });
  expect(stage.store.findJob(id)).toMatchObject({ state: 'CREATED', reason: null, explanation: null });
  stage.store.noteQueued(id, why);
  expect(stage.store.findJob(id)?.reason).toBeNull();
});

test('what is claimed comes before everything else, since it holds a place that only its outcome gives back', () => {
  const claimed = stage.accept();
  stage.store.claimDispatch(claimed);
  const urgent = stage.accept({ id: 'urgent', spec: { priority: 100 } });
  expect(stage.store.nextToDispatch(2).map(({ id }) => id)).toEqual([claimed, urgent]);
});

test('a claim is not given back once the Job is known to exist', () => {
  const id = stage.create();
  stage.store.releaseClaim(id);
  expect(stage.store.countInCluster()).toBe(1);
});

test('of what is not claimed no more is handed out than there is room for', () => {
  for (const id of ['a', 'b', 'c']) stage.accept({ id });
  stage.store.claimDispatch('c');
  expect(stage.store.nextToDispatch(10, new Set(), 1).map(({ id }) => id)).toEqual(['c', 'a']);
  expect(stage.store.nextToDispatch(10, new Set(), 0).map(({ id }) => id)).toEqual(['c']);
});

test('places are counted by what became of each job, also where it speaks before its create is answered', () => {
  const ends = {
    waits: 'QUEUED',
    claimed: 'QUEUED',
    early: 'RUNNING',
    created: 'CREATED',
    runs: 'RUNNING',
    ended: 'LOST',
    cancelled: 'CANCELLED',
    refused: 'FAILED',
  };
  for (const id of Object.keys(ends)) {
    stage.accept({ id, kubernetesName: `report-${id}` });
    if (id !== 'waits' && id !== 'cancelled') stage.store.claimDispatch(id);
  }
  for (const id of ['created', 'runs', 'ended']) stage.store.settleCreated(id, { uid: `uid-of-${id}` });
  for (const id of ['early', 'runs']) stage.store.addReport({ 'job-id': id, status: 'Working' });
  stage.store.markJobGone('ended', 'uid-of-ended');
  stage.store.requestCancel('cancelled', 'User');
  stage.store.settleRefused('refused', { reason: 'Invalid', message: 'no' });
  const states = Object.keys(ends).map((id) => [id, stage.store.findJob(id)?.state]);
  expect(Object.fromEntries(states)).toEqual(ends);
  expect(stage.store.countInCluster()).toBe(4);
  expect(stage.store.countCreated()).toBe(2);
});
