import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { JobQuery, JobSummary } from '../core/job.ts';
import { jobStates } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import { jobRowSchema, toSummary } from './job-row.ts';

const countSchema = z.array(z.object({ state: z.enum(jobStates), jobs: z.int() }));

type Condition = { sql: string; values: (string | number)[] };

/** Lists by keyset: each page starts below the `number` of the last row of the one before, however many rows there are. */
export function createJobLists(db: Sql) {
  const counts = db.prepare('SELECT state, jobs FROM job_counts');

  /** Newest first. `nextCursor` is null on the last page. A cursor that is not ours: AppError `invalid`. */
  function listJobs(query: JobQuery): { jobs: JobSummary[]; nextCursor: string | null } {
    if (query.template !== undefined || query.schedule !== undefined) return { jobs: [], nextCursor: null };
    const conditions = toConditions(query);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`;
    const rows = db
      .prepare(`SELECT * FROM jobs ${where} ORDER BY number DESC LIMIT ?`)
      .all(...conditions.flatMap(({ values }) => values), query.limit + 1)
      .map((row) => jobRowSchema.parse(row));
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      jobs: page.map(toSummary),
      nextCursor: rows.length > query.limit && last !== undefined ? String(last.number) : null,
    };
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

function toConditions({ state, name, q, cursor }: JobQuery): Condition[] {
  const conditions: Condition[] = [];
  if (cursor !== undefined) conditions.push({ sql: 'number < ?', values: [parseCursor(cursor)] });
  if (state !== undefined) conditions.push({ sql: 'state = ?', values: [state] });
  if (name !== undefined) conditions.push({ sql: 'name = ?', values: [name] });
  if (q !== undefined && q !== '') {
    const pattern = q.replaceAll(/[\\%_]/g, String.raw`\$&`);
    conditions.push({
      sql: String.raw`(name LIKE ? ESCAPE '\' OR id LIKE ? ESCAPE '\')`,
      values: [`%${pattern}%`, `${pattern}%`],
    });
  }
  return conditions;
}

function parseCursor(cursor: string): number {
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new AppError('invalid', 'The cursor is not one of ours.', {
    faults: [{ pointer: '?cursor', detail: 'must be the nextCursor of an earlier page' }],
  });
}
