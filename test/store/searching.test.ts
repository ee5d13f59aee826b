import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { jobQuerySchema } from '../../src/core/job.ts';
import { createJobSearch } from '../../src/store/job-search.ts';
import { createSearchIndex } from '../../src/store/search-index.ts';
import { exitedPod, failedJob } from '../support/sightings.ts';
import { checkIntegrity, createSearchedJobs } from './searched-jobs.ts';
import type { SearchedJobs } from './searched-jobs.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
let jobs: SearchedJobs;

beforeEach(() => {
  stage = openStage();
  jobs = createSearchedJobs(stage);
});

afterEach(() => stage.close());

const later = '2027-01-01T00:00:00.000Z';

function indexAll(): void {
  while (stage.store.indexEndedJobs().jobs > 0);
}

const look = () => ['halfway', 'tidied', 'memory'].map((q) => find({ q }).length);

function find(query: object): string[] {
  return stage.store.listJobs(jobQuerySchema.parse(query)).jobs.map(({ id }) => id);
}

/** Whether the index has it is for nobody to notice. */
describe.each([
  ['not indexed yet', () => {}],
  ['indexed', indexAll],
])('an ended job that is %s', (_what, index) => {
  beforeEach(() => {
    jobs.create('Nightly-7', 'Überweisung an STRASSE');
    jobs.say('Nightly-7', 'Wrote 50% of_rows', 'the disk "tmp\\a" is full; τέλος 東京都\0end');
    stage.store.observePod(
      'Nightly-7',
      exitedPod(137, {
        uid: 'pod',
        jobUid: 'uid-of-Nightly-7',
        jobName: 'report-Nightly-7',
        reason: 'OOMKilled',
      }),
    );
    jobs.end('Nightly-7', failedJob());
    jobs.create('other', 'Something else');
    jobs.end('other');
    index();
  });

  test.each([
    ['its name, in any case and script', 'ÜBERWEISUNG'],
    ['its name, by two letters for one', 'straße'],
    ['its name, by the large letter of those two', 'STRAẞE'],
    ['its status', '50% OF_'],
    ['its message', 'DISK "TMP\\A'],
    ['a sigma at the end of a word', 'ΤΈΛΟΣ'],
    ['three signs without letters', '東京都'],
    ['two of them', '東京'],
    ['one', '京'],
    ['what stands behind a NUL in its message', 'end'],
    ['what stands on both sides of it', '都\0END'],
    ['its reason', 'oomkill'],
    ['its explanation', 'more memory'],
    ['the start of its id, in any case', 'NIGHTLY-'],
    ['its whole id', 'nightly-7'],
    ['a text of more trigrams than are asked for', 'the disk "tmp\\a" is full; τέλος 東京都'],
  ])('is found by %s', (_by, q) => {
    expect(find({ q })).toEqual(['Nightly-7']);
    expect(find({ q, state: 'FAILED', name: 'Überweisung an STRASSE' })).toEqual(['Nightly-7']);
    expect(find({ q, state: 'SUCCEEDED' })).toEqual([]);
    expect(find({ q, state: 'RUNNING' })).toEqual([]);
    expect(find({ q, name: 'Something else' })).toEqual([]);
  });

  test.each([
    ['the middle of its id', 'ightly-'],
    ['the end of one text and the start of the next', 'STRASSEWrote'],
    ['the line between them', 'strasse\nWrote'],
    ['its parts in another order', 'full is disk'],
    ['what stands in another place than its texts', 'report-nightly'],
  ])('is not found by %s', (_by, q) => {
    expect(find({ q })).toEqual([]);
  });
});

test('a search reads less of jobs that have said much', () => {
  for (let nth = 0; nth < 10; nth += 1) {
    jobs.create(`id-${nth}`);
    jobs.say(`id-${nth}`, 'Said', 'word '.repeat(20));
  }
  const db = new Database(stage.path, { readonly: true });
  const search = createJobSearch(db, { mostCharacters: 250 });
  for (const q of ['none', 'no'])
    expect(search({ q, below: 11, limit: 5 })).toEqual({ numbers: [], goesOnBelow: 8 });
  db.close();
});

test('what is told of a job after it was indexed is found, and what it no longer says is not', () => {
  jobs.create('a');
  jobs.say('a', 'Halfway');
  jobs.end('a', failedJob());
  indexAll();
  jobs.say('a', 'Tidied up');
  expect(look()).toEqual([0, 1, 0]);
  indexAll();
  expect(look()).toEqual([0, 1, 0]);
  const pod = { uid: 'pod', jobUid: 'uid-of-a', jobName: 'report-a', reason: 'OOMKilled' };
  stage.store.observePod('a', exitedPod(137, pod));
  expect(look()).toEqual([0, 1, 1]);
  indexAll();
  expect(look()).toEqual([0, 1, 1]);
  const db = new Database(stage.path, { readonly: true });
  const inIndex = db
    .prepare<[string], number>('SELECT count(*) FROM job_texts WHERE job_texts MATCH ?')
    .pluck();
  expect(['HAL', 'TID', 'MEM'].map((trigram) => inIndex.get(trigram))).toEqual([0, 1, 1]);
  db.close();
});

test('a job is indexed once, after its end, and a removed one is in no part of the index', () => {
  const db = new Database(stage.path, { readonly: true });
  const rows = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  jobs.create('a');
  jobs.say('a', 'Halfway');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 0 });
  jobs.end('a');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 1 });
  jobs.leave('a');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 0 });
  jobs.create('b');
  jobs.end('b');
  jobs.leave('b');
  expect([rows('job_texts'), rows('jobs_to_index')]).toEqual([1, 1]);
  stage.store.removeEndedJobs({ endedBefore: later, most: 0 });
  expect([rows('job_texts'), rows('jobs_to_index'), rows('jobs')]).toEqual([0, 0, 0]);
  db.close();
  expect(checkIntegrity(stage.path)).toBe('ok');
});

test('a bite indexes the newest first, and of long texts fewer', () => {
  for (let nth = 0; nth < 20; nth += 1) {
    jobs.create(`id-${nth}`);
    jobs.say(`id-${nth}`, 'Said', String(nth).padStart(4096, 'word '));
    jobs.end(`id-${nth}`);
  }
  const { jobs: indexed } = stage.store.indexEndedJobs();
  expect(indexed).toBeLessThan(10);
  const db = new Database(stage.path, { readonly: true });
  const waiting = db.prepare('SELECT max(number) FROM jobs_to_index').pluck().get();
  expect(waiting).toBe(20 - indexed);
  db.close();
});

test('a bite that is cut off before its commit leaves the index and what waits for it as they were', () => {
  jobs.create('a', 'Cut off');
  jobs.end('a');
  const db = new Database(stage.path);
  const cutOff = (change: () => unknown) =>
    db.transaction(() => {
      change();
      throw new Error('killed');
    })();
  const { indexEndedJobs } = createSearchIndex({ db, writes: { transact: cutOff } });
  expect(indexEndedJobs).toThrow('killed');
  expect(find({ q: 'cut off' })).toEqual(['a']);
  expect(db.prepare('SELECT count(*) FROM job_texts').pluck().get()).toBe(0);
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 1 });
  expect(find({ q: 'cut off' })).toEqual(['a']);
  db.close();
});

test('merging the index ends, and changes no answer', () => {
  for (let nth = 0; nth < 12; nth += 1) {
    jobs.create(`id-${nth}`, `Report ${nth}`);
    jobs.end(`id-${nth}`);
    stage.store.indexEndedJobs();
  }
  const before = find({ q: 'report' });
  let merges = 0;
  while (stage.store.mergeIndex()) merges += 1;
  expect(merges).toBeLessThan(12);
  expect(find({ q: 'report' })).toEqual(before);
  expect(before).toHaveLength(12);
});
