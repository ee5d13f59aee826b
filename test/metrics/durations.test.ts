import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createDurations } from '../../src/metrics/durations.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { parseExposition } from '../support/exposition.ts';
import { completeJob, runningPod, seenJob } from '../support/sightings.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage.close());

function start(store: Partial<Stage['store']> = {}) {
  const registry = new Registry();
  const durations = createDurations({ registry, store: { ...stage.store, ...store } });
  return {
    durations,
    scrape: async () => {
      await durations.catchUp();
      return parseExposition(await registry.metrics());
    },
  };
}

const names = (id: string) => ({ id, kubernetesName: `report-${id}` });

/** Accepted, sent 2 s later, started 3 s after that, and complete after another 10 s. */
function succeed(id: string): void {
  stage.accept(names(id));
  stage.advance(2000);
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: `uid-${id}` });
  stage.advance(3000);
  const running = { uid: `uid-${id}`, name: `report-${id}`, createdAt: stage.clock().toISOString() };
  const now = () => stage.clock().toISOString();
  stage.store.observePod(
    id,
    runningPod({ uid: `pod-${id}`, jobUid: `uid-${id}`, jobName: `report-${id}`, startedAt: now() }),
  );
  stage.store.observeJob(id, seenJob(running));
  stage.advance(10_000);
  const conditions = completeJob().conditions.map((condition) => ({ ...condition, at: now() }));
  stage.store.observeJob(id, completeJob({ ...running, completedAt: now(), conditions }));
}

function cancel(id: string): void {
  stage.accept(names(id));
  stage.advance(500);
  stage.store.requestCancel(id, 'User');
}

test('a job that ends is counted once, with how long it waited, ran and took in all', async () => {
  const { scrape } = start();
  succeed('a');
  const first = await scrape();
  expect(first.value('jobspawn_job_queue_seconds_count')).toBe(1);
  expect(first.value('jobspawn_job_queue_seconds_sum')).toBe(2);
  expect(first.value('jobspawn_job_run_seconds_sum', { state: 'SUCCEEDED' })).toBe(10);
  expect(first.value('jobspawn_job_duration_seconds_sum', { state: 'SUCCEEDED' })).toBe(15);
  expect(first.value('jobspawn_job_duration_seconds_bucket', { state: 'SUCCEEDED', le: '10' })).toBe(0);
  expect(first.value('jobspawn_job_duration_seconds_bucket', { state: 'SUCCEEDED', le: '30' })).toBe(1);
  expect((await scrape()).value('jobspawn_job_duration_seconds_count', { state: 'SUCCEEDED' })).toBe(1);
  succeed('b');
  expect((await scrape()).value('jobspawn_job_duration_seconds_count', { state: 'SUCCEEDED' })).toBe(2);
});

test('a job that never left the queue has neither waited for its turn nor run', async () => {
  const { scrape } = start();
  cancel('a');
  const told = await scrape();
  expect(told.value('jobspawn_job_duration_seconds_sum', { state: 'CANCELLED' })).toBe(0.5);
  expect(told.value('jobspawn_job_queue_seconds_count')).toBe(0);
  expect(told.value('jobspawn_job_run_seconds_count', { state: 'CANCELLED' })).toBe(0);
});

test('what ended in an earlier life of the process is not counted again', async () => {
  cancel('a');
  const { scrape } = start();
  expect((await scrape()).value('jobspawn_job_duration_seconds_count', { state: 'CANCELLED' })).toBe(0);
});

test('a job that goes on after its end tells nothing new', async () => {
  const { scrape } = start();
  succeed('a');
  stage.store.observeJob('a', completeJob({ uid: 'uid-a', name: 'report-a' }));
  stage.store.markJobGone('a', 'uid-a');
  expect((await scrape()).value('jobspawn_job_duration_seconds_count', { state: 'SUCCEEDED' })).toBe(1);
});

test('a long history is read once, in pages with a turn of the event loop between them, however many ask at once', async () => {
  const pages: { after: number; upTo: number }[] = [];
  let last = 0;
  const { durations } = start({
    lastSeq: () => last,
    listEnds: (page) => {
      pages.push(page);
      return [];
    },
  });
  last = 5000;
  let turns = 0;
  const again = () => {
    turns += 1;
    pending = setImmediate(again);
  };
  let pending = setImmediate(again);
  await Promise.all([durations.catchUp(), durations.catchUp()]);
  clearImmediate(pending);
  expect(pages).toEqual([
    { after: 0, upTo: 2000 },
    { after: 2000, upTo: 4000 },
    { after: 4000, upTo: 5000 },
  ]);
  expect(turns).toBeGreaterThan(0);
});

test('every end that there may be has a series from the start, so that the first one shows as an increase', async () => {
  const { scrape } = start();
  const told = await scrape();
  for (const state of ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'])
    expect(told.value('jobspawn_job_duration_seconds_count', { state })).toBe(0);
});
