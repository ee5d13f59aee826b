import { z } from 'zod';
import type { JobQuery, JobSummary } from '../core/job.ts';
import { jobStates } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import { jobRowSchema, toSummary } from './job-row.ts';
import { createJobSearch } from './job-search.ts';

const countSchema = z.array(z.object({ state: z.enum(jobStates), jobs: z.int() }));

/** A page ends early once its specs and results are larger than this, in bytes: a spec alone may have a megabyte. */
const largestPage = 4 * 1024 * 1024;

/** Lists by keyset: each page starts below the `number` of the last row of the one before, however many rows there are. */
export function createJobLists(db: Sql) {
  const search = createJobSearch(db);
  const counts = db.prepare('SELECT state, jobs FROM job_counts');
  const byNumber = db.prepare('SELECT * FROM jobs WHERE number = ?');
  const sizeOf = db
    .prepare<[number], number>(
      'SELECT octet_length(spec) + coalesce(octet_length(result), 0) FROM jobs WHERE number = ?',
    )
    .pluck();

  /**
   * Newest first. A page may have fewer jobs than its limit, or none, and still be followed by others; `nextCursor` is null on the
   * last one.
   */
  function listJobs(query: JobQuery): { jobs: JobSummary[]; nextCursor: string | null } {
    const below = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(query.cursor);
    if (query.template !== undefined || query.schedule !== undefined) return { jobs: [], nextCursor: null };
    // One more than asked for tells whether there is a next page.
    const { numbers, goesOnBelow } = search({ ...query, below, limit: query.limit + 1 });
    const page = cutPage(numbers.slice(0, query.limit));
    const next = page.length < numbers.length ? (page.at(-1) ?? null) : goesOnBelow;
    return {
      jobs: page.map((number) => toSummary(jobRowSchema.parse(byNumber.get(number)))),
      nextCursor: next === null ? null : String(next),
    };
  }

  /** At least one, or the next page would be the same. */
  function cutPage(numbers: number[]): number[] {
    let size = 0;
    const end = numbers.findIndex((number, nth) => {
      size += sizeOf.get(number) ?? 0;
      return nth > 0 && size > largestPage;
    });
    return end === -1 ? numbers : numbers.slice(0, end);
  }

  function countStates(): Record<JobState, number> {
    const found = new Map(countSchema.parse(counts.all()).map(({ state, jobs }) => [state, jobs]));
    const count = (state: JobState): number => found.get(state) ?? 0;
    return {
      QUEUED: count('QUEUED'),
      CREATED: count('CREATED'),
      RUNNING: count('RUNNING'),
      SUCCEEDED: count('SUCCEEDED'),
      FAILED: count('FAILED'),
      CANCELLED: count('CANCELLED'),
      LOST: count('LOST'),
    };
  }

  return { listJobs, countStates };
}
