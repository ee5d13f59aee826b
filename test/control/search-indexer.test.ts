import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createSearchIndexer } from '../../src/control/search-indexer.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

let stage: Stage;
let db: Database.Database;
let stop: AbortController;

beforeEach(() => {
  stage = openStage();
  db = new Database(stage.path, { readonly: true });
  stop = new AbortController();
});

afterEach(() => {
  db.close();
  stage.close();
});

/** With names so long that they take several bites. */
async function endMany(count: number): Promise<void> {
  const name = 'long name '.repeat(20);
  await Promise.all(
    Array.from({ length: count }, (_, nth) =>
      stage.store.groupCommit(() => {
        stage.accept({ id: `id-${nth}`, name, kubernetesName: `report-${nth}` });
        stage.store.requestCancel(`id-${nth}`, 'User');
      }),
    ),
  );
}

const waiting = () => db.prepare('SELECT count(*) FROM jobs_to_index').pluck().get();

test('a run indexes all that has ended, in bites, and the next one has nothing to do', async () => {
  await endMany(400);
  const bites: number[] = [];
  const { runOnce } = createSearchIndexer({
    store: {
      indexEndedJobs: () => {
        const bite = stage.store.indexEndedJobs();
        bites.push(bite.jobs);
        return bite;
      },
      mergeIndex: () => stage.store.mergeIndex(),
    },
    signal: stop.signal,
  });
  expect(await runOnce()).toEqual({ jobs: 400 });
  expect(bites.length).toBeGreaterThan(2);
  expect(waiting()).toBe(0);
  expect(await runOnce()).toEqual({ jobs: 0 });
});

test('a run ends when it has lasted long enough, and the next one goes on', async () => {
  await endMany(400);
  let now = 0;
  const elapsed = () => (now += 15_000);
  const { runOnce } = createSearchIndexer({ store: stage.store, signal: stop.signal, elapsed });
  const { jobs } = await runOnce();
  expect(jobs).toBeGreaterThan(0);
  expect(jobs).toBeLessThan(400);
  expect(waiting()).toBe(400 - jobs);
  const next = createSearchIndexer({ store: stage.store, signal: stop.signal });
  expect(await next.runOnce()).toEqual({ jobs: 400 - jobs });
});

test('a run that is told to stop begins no other bite', async () => {
  await endMany(400);
  const { runOnce } = createSearchIndexer({ store: stage.store, signal: stop.signal });
  const running = runOnce();
  stop.abort();
  const { jobs } = await running;
  expect(jobs).toBeGreaterThan(0);
  expect(jobs).toBeLessThan(400);
});
