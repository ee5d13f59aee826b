import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobQuerySchema } from '../../src/core/job.ts';
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
  'the cursor "%s" is a fault',
  (cursor) => {
    expect(() => list({ cursor })).toThrow(
      expect.objectContaining({
        code: 'invalid',
        faults: [{ pointer: '?cursor', detail: expect.any(String) }],
      }),
    );
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
