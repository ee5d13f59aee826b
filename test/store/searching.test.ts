import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { jobQuerySchema } from '../../src/core/job.ts';
import type { JobQuery, JobSummary } from '../../src/core/job.ts';
import { createJobSearch } from '../../src/store/job-search.ts';
import { createSearchIndex } from '../../src/store/search-index.ts';
import { completeJob, exitedPod, failedJob } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => stage.close());

const later = '2027-01-01T00:00:00.000Z';

function indexAll(): void {
  while (stage.store.indexEndedJobs().jobs > 0);
}

/** In the cluster, where it waits. */
function create(id: string, name = 'Report'): void {
  stage.accept({ id, name, kubernetesName: `report-${id}` });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: `uid-of-${id}` });
}

function end(id: string, seen = completeJob()): void {
  stage.store.observeJob(id, { ...seen, uid: `uid-of-${id}`, name: `report-${id}` });
}

function leave(id: string): void {
  for (const { uid } of stage.store.listPodsAfter(id, 0)) stage.store.markPodGone(id, uid);
  stage.store.markJobGone(id, `uid-of-${id}`);
}

const look = () => ['halfway', 'tidied', 'memory'].map((q) => find({ q }).length);

const say = (id: string, status: string, message?: string) =>
  stage.store.addReport({ 'job-id': id, status, message });

function find(query: object): string[] {
  return stage.store.listJobs(jobQuerySchema.parse(query)).jobs.map(({ id }) => id);
}

/** Whether the index has it is for nobody to notice. */
describe.each([
  ['not indexed yet', () => {}],
  ['indexed', indexAll],
])('an ended job that is %s', (_what, index) => {
  beforeEach(() => {
    create('Nightly-7', 'Überweisung an STRASSE');
    say('Nightly-7', 'Wrote 50% of_rows', 'the disk "tmp\\a" is full; τέλος 東京都\0end');
    stage.store.observePod(
      'Nightly-7',
      exitedPod(137, {
        uid: 'pod',
        jobUid: 'uid-of-Nightly-7',
        jobName: 'report-Nightly-7',
        reason: 'OOMKilled',
      }),
    );
    end('Nightly-7', failedJob());
    create('other', 'Something else');
    end('other');
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
    create(`id-${nth}`);
    say(`id-${nth}`, 'Said', 'word '.repeat(20));
  }
  const db = new Database(stage.path, { readonly: true });
  const search = createJobSearch(db, { mostCharacters: 250 });
  for (const q of ['none', 'no'])
    expect(search({ q, below: 11, limit: 5 })).toEqual({ numbers: [], goesOnBelow: 8 });
  db.close();
});

test('what is told of a job after it was indexed is found, and what it no longer says is not', () => {
  create('a');
  say('a', 'Halfway');
  end('a', failedJob());
  indexAll();
  say('a', 'Tidied up');
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
  create('a');
  say('a', 'Halfway');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 0 });
  end('a');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 1 });
  leave('a');
  expect(stage.store.indexEndedJobs()).toEqual({ jobs: 0 });
  create('b');
  end('b');
  leave('b');
  expect([rows('job_texts'), rows('jobs_to_index')]).toEqual([1, 1]);
  stage.store.removeEndedJobs({ endedBefore: later, most: 0 });
  expect([rows('job_texts'), rows('jobs_to_index'), rows('jobs')]).toEqual([0, 0, 0]);
  db.close();
  expect(checkIntegrity()).toBe('ok');
});

test('a bite indexes the newest first, and of long texts fewer', () => {
  for (let nth = 0; nth < 20; nth += 1) {
    create(`id-${nth}`);
    say(`id-${nth}`, 'Said', String(nth).padStart(4096, 'word '));
    end(`id-${nth}`);
  }
  const { jobs } = stage.store.indexEndedJobs();
  expect(jobs).toBeLessThan(10);
  const db = new Database(stage.path, { readonly: true });
  const waiting = db.prepare('SELECT max(number) FROM jobs_to_index').pluck().get();
  expect(waiting).toBe(20 - jobs);
  db.close();
});

test('a bite that is cut off before its commit leaves the index and what waits for it as they were', () => {
  create('a', 'Cut off');
  end('a');
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
    create(`id-${nth}`, `Report ${nth}`);
    end(`id-${nth}`);
    stage.store.indexEndedJobs();
  }
  const before = find({ q: 'report' });
  let merges = 0;
  while (stage.store.mergeIndex()) merges += 1;
  expect(merges).toBeLessThan(12);
  expect(find({ q: 'report' })).toEqual(before);
  expect(before).toHaveLength(12);
});

const words = [
  'nightly',
  'Report',
  'ÖL 50%',
  'öl',
  'ΟΔΟΣ',
  'οδος',
  '東京都',
  'a\\b"c',
  'x_y',
  '🦊 fox',
  'ab\ncd',
  '\ue03d\ue046\ue041',
];
const starts = ['n', 'Nightly-', 'nightLY-', 'ab', 'FAI'];

type Step = (nth: number) => void;
const text = fc
  .array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(' '));
const target = fc.nat({ max: 30 });
/** Of the jobs that there are, counted from the newest. */
const pick = (nth: number) => listAll().at(nth % Math.max(1, listAll().length));
const withJob = (nth: number, act: (job: JobSummary) => void): void => {
  const job = pick(nth);
  if (job !== undefined) act(job);
};
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(text, fc.constantFrom(...starts)).map(
      ([name, start]): Step =>
        (nth) =>
          create(`${start}${nth}`, name),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(text, fc.constantFrom(...starts)).map(
      ([name, start]): Step =>
        (nth) =>
          void stage.accept({ id: `${start}${nth}`, name, kubernetesName: `report-${start}${nth}` }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(target, text, fc.option(text)).map(
      ([at, status, message]): Step =>
        () =>
          withJob(at, ({ id }) => void say(id, status, message ?? undefined)),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(target, fc.boolean()).map(
      ([at, failed]): Step =>
        () =>
          withJob(at, ({ id }) => end(id, failed ? failedJob() : completeJob())),
    ),
  },
  {
    weight: 1,
    arbitrary: target.map(
      (at): Step =>
        () =>
          withJob(at, ({ id }) => stage.store.requestCancel(id, 'User')),
    ),
  },
  {
    weight: 1,
    arbitrary: target.map(
      (at): Step =>
        () =>
          withJob(at, ({ id }) =>
            stage.store.observePod(
              id,
              exitedPod(137, {
                uid: `pod-${id}`,
                jobUid: `uid-of-${id}`,
                jobName: `report-${id}`,
                reason: 'OOMKilled',
              }),
            ),
          ),
    ),
  },
  {
    weight: 2,
    arbitrary: target.map(
      (at): Step =>
        () =>
          withJob(at, ({ id }) => leave(id)),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Step>(() => void stage.store.indexEndedJobs()) },
  { weight: 1, arbitrary: fc.constant<Step>(() => void stage.store.mergeIndex()) },
  {
    weight: 1,
    arbitrary: fc.constant<Step>(
      () => void stage.store.removeEndedJobs({ endedBefore: '2000-01-01T00:00:00.000Z', most: 10 }),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>(() => stage.reopen()) },
);

function listAll(): JobSummary[] {
  return stage.store.listJobs(jobQuerySchema.parse({ limit: 500 })).jobs;
}

type Query = Pick<JobQuery, 'state' | 'name' | 'q'>;

const fold = (part: string) => part.toLowerCase().toUpperCase();

/** What the search is to find, told as simply as can be. */
function fits({ state, name, q = '' }: Query, job: JobSummary): boolean {
  const texts = [job.name, job.report?.status, job.report?.message, job.reason, job.explanation];
  const hasText =
    fold(job.id).startsWith(fold(q)) ||
    texts.some((part) => typeof part === 'string' && fold(part).includes(fold(q)));
  return hasText && (state === undefined || job.state === state) && (name === undefined || job.name === name);
}

/** By a connection of its own: the check goes by what its connection last knew of the parts of the index, which may have been merged since. */
function checkIntegrity(): unknown {
  const db = new Database(stage.path, { readonly: true });
  const finding = db.pragma('integrity_check', { simple: true });
  db.close();
  return finding;
}

/** All pages one after the other. */
function walk(
  db: Database.Database,
  query: Query,
  { limit, ...bounds }: { limit: number } & Parameters<typeof createJobSearch>[1],
): number[] {
  const search = createJobSearch(db, bounds);
  const found: number[] = [];
  for (let below: number | null = Number.MAX_SAFE_INTEGER; below !== null;) {
    const { numbers, goesOnBelow } = search({ ...query, below, limit });
    found.push(...numbers);
    below = numbers.length === limit ? (numbers.at(-1) ?? null) : goesOnBelow;
  }
  return found;
}

test('whatever has happened to jobs, and however little a search may look at, its pages together are what a plain filter leaves', () => {
  const few = fc.integer({ min: 1, max: 8 });
  const anyBounds = fc.record({
    limit: few,
    mostRows: few,
    mostMatches: few,
    mostIds: fc.integer({ min: 1, max: 40 }),
    mostCharacters: fc.integer({ min: 1, max: 300 }),
  });
  const anyQuery = fc.record({
    q: fc.oneof(
      fc.constantFrom('', 'nig', 'NIGHTLY-1', 'night', 'fai', 'memory', 'backoff', '%', 'ab', 'none at all'),
      text.chain((whole) =>
        fc
          .tuple(fc.nat(whole.length), fc.nat(12))
          .map(([from, length]) => whole.slice(from, from + length).toWellFormed()),
      ),
      text.map((whole) => whole.toUpperCase()),
    ),
    state: fc.option(
      fc.constantFrom(
        'QUEUED' as const,
        'RUNNING' as const,
        'SUCCEEDED' as const,
        'FAILED' as const,
        'CANCELLED' as const,
      ),
      { nil: undefined, freq: 2 },
    ),
    name: fc.option(text, { nil: undefined, freq: 1 }),
  });
  const db = new Database(stage.path, { readonly: true });
  let drawn = 0;
  fc.assert(
    fc.property(
      fc.array(anyStep, { minLength: 5, maxLength: 25 }),
      fc.array(fc.tuple(anyQuery, anyBounds), { minLength: 5, maxLength: 10 }),
      (steps, questions) => {
        for (const step of steps) step((drawn += 1));
        const numberOf = db.prepare<[string], number>('SELECT number FROM jobs WHERE id = ?').pluck();
        for (const [query, bounds] of questions) {
          const plain = listAll()
            .filter((job) => fits(query, job))
            .map(({ id }) => numberOf.get(id));
          expect(walk(db, query, bounds)).toEqual(plain);
          expect(walk(db, query, { limit: 501 })).toEqual(plain);
        }
      },
    ),
    { numRuns: 40 },
  );
  db.close();
  expect(checkIntegrity()).toBe('ok');
});
