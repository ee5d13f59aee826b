import type { Statement } from 'better-sqlite3';
import { isFinal, jobStates } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import type { JobQuery } from '../core/job.ts';
import type { Sql } from './database.ts';
import { createIdSearch } from './id-search.ts';
import { fold, hasText, hasTrigram, searchedColumns, toMatch } from './search-text.ts';
import type { SearchedJob } from './search-text.ts';

/** The numbers of jobs, newest first. Where the search gave up before it knew more, `goesOnBelow` says where. */
export type Found = { numbers: number[]; goesOnBelow: number | null };

type Search = Pick<JobQuery, 'state' | 'name' | 'q'> & { below: number; limit: number };

/** Everything from the number `down` on that fits, newest first. */
type Look = { numbers: number[]; down: number };

const unfinished = jobStates.filter((state) => !isFinal(state));

/** What has ended and is still to be indexed. */
const waiting = `SELECT waiting.number AS number, ${searchedColumns} FROM jobs_to_index AS waiting CROSS JOIN jobs ON jobs.number = waiting.number
  WHERE waiting.number < @below`;

/**
 * How much one search may look at, so that none holds the event loop up, whatever was typed. Characters count apart, for to fold a
 * megabyte of them takes 30 ms in some scripts.
 */
type Bounds = { mostRows?: number; mostMatches?: number; mostIds?: number; mostCharacters?: number };

/** Finds jobs below a number. What comes to its bounds gives what it has, and says where the next search goes on. */
export function createJobSearch(
  db: Sql,
  { mostRows = 10_000, mostMatches = 2000, mostIds = 20_000, mostCharacters = 1_000_000 }: Bounds = {},
) {
  const findByStart = createIdSearch(db, { mostIds });
  const prepareJobs = createStatements<SearchedJob>(db);
  const prepareNumbers = createStatements<{ number: number }>(db);

  return function search({ q = '', ...query }: Search): Found {
    const text = fold(q);
    const { below, limit, state, name } = query;
    if (text === '' && (state === undefined || name === undefined)) return listPlainly(query);
    const fits = (job: SearchedJob) =>
      (state === undefined || job.state === state) &&
      (name === undefined || job.name === name) &&
      (text === '' || hasText(job, text));
    const rows = { fits, limit, most: mostRows, mostCharacters };
    const withId = hasTrigram(text) ? findByStart(text, below) : null;
    // What very many have in common is found as well row by row, and of one or two letters the index knows nothing.
    if (withId === null) return toFound([look(rowsOf(query), rows)], limit);
    const looks = [look(unindexed(state, below), rows), look(withId, rows)];
    if (state === undefined || isFinal(state)) {
      looks.push(look(matches(toMatch(text, query), below), { ...rows, most: mostMatches }));
    }
    return toFound(looks, limit);
  };

  /** Every row of an index fits. */
  function listPlainly({ below, limit, ...filters }: Search): Found {
    const { sql, values } = toCondition(filters);
    const rows = prepareNumbers(
      `SELECT number FROM jobs WHERE ${sql} number < ? ORDER BY number DESC LIMIT ?`,
    ).all(...values, below, limit);
    return { numbers: rows.map(({ number }) => number), goesOnBelow: null };
  }

  /** One by one, by the name or the state where one is asked for. What else is asked is left to whoever reads them. */
  function rowsOf({ below, ...filters }: Search): Iterable<SearchedJob> {
    const { sql, values } = toCondition(filters);
    return prepareJobs(
      `SELECT jobs.number, ${searchedColumns} FROM jobs WHERE ${sql} number < ? ORDER BY number DESC`,
    ).iterate(...values, below);
  }

  /** What may be in the state and is not in the index, or not as it is now. */
  function unindexed(state: JobState | undefined, below: number): Iterable<SearchedJob> {
    const live = unfinished
      .filter((each) => state === undefined || each === state)
      .map(
        (each) =>
          `SELECT jobs.number, ${searchedColumns} FROM jobs WHERE state = '${each}' AND number < @below`,
      );
    const ended = state === undefined || isFinal(state) ? [waiting] : [];
    return prepareJobs(`${[...live, ...ended].join(' UNION ALL ')} ORDER BY number DESC`).iterate({ below });
  }

  function matches(match: string, below: number): Iterable<SearchedJob> {
    return prepareJobs(
      `SELECT jobs.number, ${searchedColumns} FROM job_texts CROSS JOIN jobs ON jobs.number = -job_texts.rowid
       WHERE job_texts MATCH ? AND job_texts.rowid > ?
       ORDER BY job_texts.rowid`,
    ).iterate(match, -below);
  }
}

/** Made once for each of the few questions that there are. */
function createStatements<Row>(db: Sql) {
  const made = new Map<string, Statement<unknown[], Row>>();
  return function prepare(sql: string): Statement<unknown[], Row> {
    const statement = made.get(sql) ?? db.prepare<unknown[], Row>(sql);
    made.set(sql, statement);
    return statement;
  };
}

/** Ends with AND where there is one. The name comes first: it leaves fewer jobs. */
function toCondition({ state, name }: Pick<Search, 'state' | 'name'>): { sql: string; values: string[] } {
  if (name !== undefined) return { sql: 'name = ? AND', values: [name] };
  if (state !== undefined) return { sql: 'state = ? AND', values: [state] };
  return { sql: '', values: [] };
}

type Looking = {
  fits: (job: SearchedJob) => boolean;
  limit: number;
  most: number;
  mostCharacters: number;
};

/** Reads until it has as many as are asked for, or has read as much as it may. */
function look(jobs: Iterable<SearchedJob>, { fits, limit, most, mostCharacters }: Looking): Look {
  const numbers: number[] = [];
  let [read, characters, down] = [0, 0, Number.MAX_SAFE_INTEGER];
  for (const job of jobs) {
    if (read >= most || characters >= mostCharacters) return { numbers, down };
    read += 1;
    characters += (job.message?.length ?? 0) + (job.explanation?.length ?? 0);
    down = job.number;
    if (fits(job) && numbers.push(down) === limit) return { numbers, down };
  }
  return { numbers, down: 0 };
}

/** No look tells of what is below the place down to which another one came. */
function toFound(looks: readonly Look[], limit: number): Found {
  const down = Math.max(...looks.map((each) => each.down));
  // More than one of them may have found it: the index may still have an earlier text of what is to be indexed again.
  const numbers = new Set(looks.flatMap((each) => each.numbers).filter((number) => number >= down));
  return {
    numbers: [...numbers].toSorted((a, b) => b - a).slice(0, limit),
    goesOnBelow: down === 0 ? null : down,
  };
}
