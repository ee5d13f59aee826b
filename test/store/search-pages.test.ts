import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { jobQuerySchema } from '../../src/core/job.ts';
import type { JobQuery, JobSummary } from '../../src/core/job.ts';
import { createJobSearch } from '../../src/store/job-search.ts';
import { completeJob, exitedPod, failedJob } from '../support/sightings.ts';
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
          jobs.create(`${start}${nth}`, name),
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
          withJob(at, ({ id }) => jobs.say(id, status, message ?? undefined)),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(target, fc.boolean()).map(
      ([at, failed]): Step =>
        () =>
          withJob(at, ({ id }) => jobs.end(id, failed ? failedJob() : completeJob())),
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
          withJob(at, ({ id }) => jobs.leave(id)),
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
  expect(checkIntegrity(stage.path)).toBe('ok');
});
