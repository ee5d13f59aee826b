import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { JobQuery, JobSummary } from '../core/job.ts';
import { jobStates } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import { jobRowSchema, toSummary } from './job-row.ts';

const countSchema = z.array(z.object({ state: z.enum(jobStates), jobs: z.int() }));

/** Of so many ids with the same start, the newest are found sooner from the newest row on than by sorting them. */
const manyIds = 10_000;

type Condition = { sql: string; values: (string | number)[] };

/** Lists by keyset: each page starts below the `number` of the last row of the one before, however many rows there are. */
export function createJobLists(db: Sql) {
  const counts = db.prepare('SELECT state, jobs FROM job_counts');
  const countIds = db
    .prepare(`SELECT count(*) FROM (SELECT 1 FROM jobs WHERE id >= ? AND id < ? LIMIT ${manyIds})`)
    .pluck();

  /** Newest first. `nextCursor` is null on the last page. A cursor that is not ours: AppError `invalid`. */
  function listJobs(query: JobQuery): { jobs: JobSummary[]; nextCursor: string | null } {
    if (query.template !== undefined || query.schedule !== undefined) return { jobs: [], nextCursor: null };
    const conditions = toConditions(query, (q) => countIds.get(q, endOfPrefix(q)) === manyIds);
    const where = conditions.map(({ sql }) => sql).join(' AND ');
    const rows = db
      .prepare(`SELECT * FROM jobs WHERE ${where} ORDER BY number DESC LIMIT ?`)
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

function toConditions(
  { state, name, q, cursor, limit }: JobQuery,
  startsManyIds: (q: string) => boolean,
): Condition[] {
  const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : parseCursor(cursor);
  const conditions: Condition[] = [{ sql: 'number < ?', values: [below] }];
  if (state !== undefined) conditions.push({ sql: 'state = ?', values: [state] });
  if (name !== undefined) conditions.push({ sql: 'name = ?', values: [name] });
  if (q !== undefined && q !== '') {
    // The trigram index knows nothing of less than three characters.
    const indexed = state === undefined && name === undefined && /.{3}/su.test(q);
    conditions.push(indexed ? toSearch(q, { below, limit, isCommon: startsManyIds(q) }) : toScan(q));
  }
  return conditions;
}

/** Row by row from the newest on: quick where few rows are in question or many of them match. */
function toScan(q: string): Condition {
  const text = escapeLike(q);
  const sql = String.raw`(name LIKE ? ESCAPE '\' OR id LIKE ? ESCAPE '\')`;
  return { sql, values: [`%${text}%`, `${text}%`] };
}

type Search = { below: number; limit: number; isCommon: boolean };

/**
 * By index: each arm gives its newest page. LIKE with ESCAPE cannot use the trigrams, so a loose pattern (where `_` and `%` match
 * more than themselves) finds the candidates, and the strict one decides.
 */
function toSearch(q: string, { below, limit, isCommon }: Search): Condition {
  const ids = isCommon ? 'jobs NOT INDEXED' : 'jobs';
  return {
    sql: String.raw`number IN (
      SELECT * FROM (SELECT job_names.rowid FROM job_names JOIN jobs AS named ON named.number = job_names.rowid
        WHERE job_names.name LIKE ? AND job_names.rowid < ? AND named.name LIKE ? ESCAPE '\'
        ORDER BY job_names.rowid DESC LIMIT ?)
      UNION ALL
      SELECT * FROM (SELECT number FROM ${ids} WHERE id >= ? AND id < ? AND number < ? ORDER BY number DESC LIMIT ?))`,
    values: [`%${q}%`, below, `%${escapeLike(q)}%`, limit + 1, q, endOfPrefix(q), below, limit + 1],
  };
}

/** Above every text that starts so, in the order of bytes. */
function endOfPrefix(text: string): string {
  return `${text}\u{10FFFF}`;
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}

function parseCursor(cursor: string): number {
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new AppError('invalid', 'The cursor is not one of ours.', {
    faults: [{ pointer: '?cursor', detail: 'must be the nextCursor of an earlier page' }],
  });
}
