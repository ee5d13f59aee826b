import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { jobQuerySchema } from '../../src/core/job.ts';
import type { JobQuery } from '../../src/core/job.ts';
import { createJobSearch } from '../../src/store/job-search.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

const names = ['Nightly report', 'nightly REPORT 2', 'Weekly report', '50% done_ish', 'Überweisung', 'a\\b'];

beforeAll(() => {
  stage = openStage();
  names.forEach((name, nth) => stage.accept({ id: `id-${nth}`, name, kubernetesName: `report-${nth}` }));
  stage.accept({ id: '01KABCDEF', name: 'x' });
  stage.store.requestCancel('id-2', 'User');
});

afterAll(() => stage.close());

function list(query: object) {
  const { jobs, nextCursor } = stage.store.listJobs(jobQuerySchema.parse(query));
  return { ids: jobs.map((job) => job.id), nextCursor };
}

test('jobs are listed newest first', () => {
  expect(list({}).ids).toEqual(['01KABCDEF', 'id-5', 'id-4', 'id-3', 'id-2', 'id-1', 'id-0']);
});

test('pages follow one another without gap or double, while new jobs come in at the top', () => {
  const own = openStage();
  for (const nth of [1, 2, 3, 4, 5]) own.accept({ id: `old-${nth}` });
  const page = (cursor?: string) => own.store.listJobs(jobQuerySchema.parse({ limit: 2, cursor }));
  const first = page();
  own.accept({ id: 'new' });
  const second = page(first.nextCursor ?? '');
  const third = page(second.nextCursor ?? '');
  const ids = [first, second, third].map(({ jobs }) => jobs.map((job) => job.id));
  expect(ids).toEqual([['old-5', 'old-4'], ['old-3', 'old-2'], ['old-1']]);
  expect(third.nextCursor).toBeNull();
  own.close();
});

test.each(['x', '-1', '0', '1e3', '1 OR 1=1', '99999999999999999999'])(
  'the cursor "%s" does not come to the store',
  (cursor) => {
    expect(jobQuerySchema.safeParse({ cursor }).error?.issues).toMatchObject([
      { path: ['cursor'], message: 'must be the nextCursor of an earlier page' },
    ]);
  },
);

describe('a search', () => {
  test.each<[string, object, string[]]>([
    ['by state', { state: 'CANCELLED' }, ['id-2']],
    ['by the whole name', { name: 'Weekly report' }, ['id-2']],
    ['by part of the name, in any case', { q: 'LY REP' }, ['id-2', 'id-1', 'id-0']],
    ['by part of the name within a state', { q: 'report', state: 'QUEUED' }, ['id-1', 'id-0']],
    ['by one letter', { q: '%' }, ['id-3']],
    ['by two letters', { q: 'ab' }, []],
    ['by text that means something to SQL', { q: '% done_' }, ['id-3']],
    ['by the same signs where they are not in the name', { q: 'Night_y' }, []],
    ['by a backslash', { q: 'a\\b' }, ['id-5']],
    ['in another script', { q: 'berweis' }, ['id-4']],
    ['by the start of an id', { q: '01KAB' }, ['01KABCDEF']],
    ['by the start of an id within a state', { q: 'id-', state: 'CANCELLED' }, ['id-2']],
    ['by the middle of an id', { q: 'KABC' }, []],
    ['by quotes', { q: '"report"' }, []],
    ['by a template that nobody has', { template: 'none' }, []],
  ])('%s', (_name, query, ids) => {
    expect(list(query).ids).toEqual(ids);
  });

  test('goes on over pages', () => {
    const first = list({ q: 'report', limit: 2 });
    expect(first.ids).toEqual(['id-2', 'id-1']);
    expect(list({ q: 'report', limit: 2, cursor: first.nextCursor })).toEqual({
      ids: ['id-0'],
      nextCursor: null,
    });
  });
});

describe('a page of large jobs', () => {
  test('ends early, and the next one goes on where it ended', () => {
    const own = openStage();
    const args = Array.from({ length: 10 }, () => 'x'.repeat(100_000));
    for (let nth = 1; nth <= 10; nth += 1) own.accept({ id: `large-${nth}`, spec: { args } });
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const { jobs, nextCursor } = own.store.listJobs(jobQuerySchema.parse({ limit: 500, cursor }));
      sizes.push(jobs.length);
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(sizes).toEqual([4, 4, 2]);
    own.close();
  });

  test('has at least one job, however large', () => {
    const own = openStage();
    const args = Array.from({ length: 50 }, () => 'x'.repeat(100_000));
    for (const id of ['a', 'b']) own.accept({ id, spec: { args } });
    const { jobs, nextCursor } = own.store.listJobs(jobQuerySchema.parse({}));
    expect(jobs.map(({ id }) => id)).toEqual(['b']);
    expect(own.store.listJobs(jobQuerySchema.parse({ cursor: nextCursor })).jobs.map(({ id }) => id)).toEqual(
      ['a'],
    );
    own.close();
  });
});

describe('a search that looks at no more than it may', () => {
  let db: Database.Database;

  beforeAll(() => {
    for (let nth = 0; nth < 40; nth += 1) {
      stage.accept({
        id: `bulk-${nth}`,
        name: ['nightly run', 'Nightly 50%', 'copy of bulk-1'][nth % 3] ?? '',
      });
      if (nth % 4 === 0) stage.store.requestCancel(`bulk-${nth}`, 'User');
    }
    db = new Database(stage.path, { readonly: true });
  });

  afterAll(() => {
    db.close();
  });

  type Filters = Pick<JobQuery, 'state' | 'name' | 'q'>;

  /** All pages one after the other, and how many of them there were. */
  function walk(query: Filters, bounds: { mostRows: number; mostMatches: number }, limit = 3) {
    const search = createJobSearch(db, bounds);
    const found: number[] = [];
    let pages = 0;
    let below: number | null = Number.MAX_SAFE_INTEGER;
    while (below !== null) {
      const { numbers, goesOnBelow } = search({ ...query, below, limit });
      found.push(...numbers);
      pages += 1;
      below = numbers.length === limit ? (numbers.at(-1) ?? null) : goesOnBelow;
    }
    return { found, pages };
  }

  test('says where the next one goes on, and the pages together have all that there is', () => {
    const anyQuery = fc.record({
      q: fc.constantFrom(
        undefined,
        'nightly',
        'NIGHTLY 50%',
        'ni',
        'bulk-1',
        'bulk',
        'id-',
        'tly _',
        'none',
        'run"',
      ),
      name: fc.constantFrom(undefined, 'copy of bulk-1', 'nightly run'),
      state: fc.constantFrom(undefined, 'CANCELLED' as const, 'QUEUED' as const, 'LOST' as const),
    });
    const bounds = fc.record({
      mostRows: fc.integer({ min: 1, max: 9 }),
      mostMatches: fc.integer({ min: 1, max: 60 }),
    });
    const unbounded = { mostRows: 1000, mostMatches: 1000 };
    fc.assert(
      fc.property(anyQuery, bounds, (query, few) => {
        const { found } = walk(query, unbounded, 1000);
        expect(walk(query, few).found).toEqual(found);
        expect(found).toEqual(found.toSorted((a, b) => b - a));
      }),
      { numRuns: 300 },
    );
  });

  test('gives nothing twice that is found by its name and by its id', () => {
    const { found } = walk({ q: 'bulk-1' }, { mostRows: 1000, mostMatches: 1000 }, 30);
    for (const mostMatches of [11, 12, 13, 14]) {
      expect(walk({ q: 'bulk-1' }, { mostRows: 1000, mostMatches }, 30).found).toEqual(found);
    }
  });

  test.each<[string, Filters]>([
    ['two letters that nothing has', { q: 'zq' }],
    ['a name within a state', { q: 'nightly', state: 'LOST' }],
    ['a text within a state', { q: 'zqx', state: 'QUEUED' }],
  ])('gives up on %s after so many rows', (_name, query) => {
    const { found, pages } = walk(query, { mostRows: 10, mostMatches: 10 });
    expect(found).toEqual([]);
    expect(pages).toBeLessThanOrEqual(5);
  });

  test('gives up on two letters that nothing has, instead of reading every row', () => {
    const search = createJobSearch(db, { mostRows: 10 });
    const found = search({ q: 'zq', below: Number.MAX_SAFE_INTEGER, limit: 3 });
    expect(found).toEqual({ numbers: [], goesOnBelow: expect.any(Number) });
  });

  test('finds nothing by a control character', () => {
    expect(list({ q: 'nig\0htly' })).toEqual({ ids: [], nextCursor: null });
  });
});
