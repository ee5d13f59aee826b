import type { JobQuery } from '../core/job.ts';
import type { Sql } from './database.ts';

/** The numbers of jobs, newest first. Where the search gave up before it knew more, `goesOnBelow` says where. */
export type Found = { numbers: number[]; goesOnBelow: number | null };

type Search = Pick<JobQuery, 'state' | 'name' | 'q'> & { below: number; limit: number };

/** A part of a statement, and what is bound to it. */
type Part = { sql: string; values: (string | number)[] };

/**
 * Finds jobs below a number. No search looks at more than `mostRows` rows, or `mostMatches` matches of an index, so that none holds
 * the event loop up, whatever was typed; then it gives what it has, and where the next one goes on.
 */
export function createJobSearch(db: Sql, { mostRows = 100_000, mostMatches = 2000 } = {}) {
  const matchingNames = `SELECT rowid FROM job_names WHERE job_names MATCH ?`;
  const names = db
    .prepare<[string, number], number>(
      `${matchingNames} AND rowid < ? ORDER BY rowid DESC LIMIT ${mostMatches}`,
    )
    .pluck();
  const countNames = db.prepare(`SELECT count(*) FROM (${matchingNames} LIMIT ${mostMatches})`).pluck();
  const ids = db
    .prepare<[string, string], number>(
      `SELECT number FROM jobs WHERE id >= ? AND id < ? LIMIT ${mostMatches}`,
    )
    .pluck();

  return function search({ q = '', ...query }: Search): Found {
    // A name has no control characters, nor has an id.
    if (/\p{Cc}/u.test(q)) return { numbers: [], goesOnBelow: null };
    if (q !== '' && hasTrigram(q)) {
      const withId = ids.all(q, endOfPrefix(q));
      // What very many jobs have in common is found sooner row by row; without anything else asked, the index has the newest at once.
      const isCommon = withId.length === mostMatches || (isNarrowed(query) && isCommonName(q));
      if (!isCommon) return searchIndex({ q, ...query }, withId);
    }
    return searchRows({ q, ...query });
  };

  function isCommonName(q: string): boolean {
    return countNames.get(toMatch(q)) === mostMatches;
  }

  function searchIndex(query: Search & { q: string }, withId: number[]): Found {
    const { q, below, limit } = query;
    const withName = names.all(toMatch(q), below);
    const floor = withName.length === mostMatches ? (withName.at(-1) ?? 0) : 0;
    const numbers = select(
      allJobs,
      [
        {
          sql: 'number IN (SELECT value FROM json_each(?))',
          values: [JSON.stringify([...withName, ...withId])],
        },
        { sql: 'number >= ? AND number < ?', values: [floor, below] },
        ...toFilters(query),
        toTextFilter(q),
      ],
      limit,
    );
    return { numbers, goesOnBelow: floor === 0 ? null : floor };
  }

  /** From the newest row on: by the name or the state where one is asked for, and what else is asked is tried on each. */
  function searchRows(query: Search & { q: string }): Found {
    const [first, ...others] = toFilters(query);
    const range = join([
      { sql: 'number < ?', values: [query.below] },
      ...(first === undefined ? [] : [first]),
    ]);
    const tests = query.q === '' ? others : [...others, toTextFilter(query.q)];
    if (tests.length === 0) return { numbers: select(allJobs, [range], query.limit), goesOnBelow: null };
    const sql = `SELECT number, name, id, state FROM jobs WHERE ${range.sql} ORDER BY number DESC`;
    const rows = { sql: `(${sql} LIMIT ${mostRows})`, values: range.values };
    const numbers = select(rows, tests, query.limit);
    if (numbers.length === query.limit) return { numbers, goesOnBelow: null };
    const next = db
      .prepare<unknown[], number>(`${sql} LIMIT 1 OFFSET ${mostRows}`)
      .pluck()
      .get(...range.values);
    return { numbers, goesOnBelow: next === undefined ? null : next + 1 };
  }

  function select(from: Part, conditions: Part[], limit: number): number[] {
    const { sql, values } = join(conditions);
    return db
      .prepare<unknown[], number>(`SELECT number FROM ${from.sql} WHERE ${sql} ORDER BY number DESC LIMIT ?`)
      .pluck()
      .all(...from.values, ...values, limit);
  }
}

const allJobs: Part = { sql: 'jobs', values: [] };

function join(conditions: Part[]): Part {
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

function isNarrowed({ state, name, below }: Omit<Search, 'q'>): boolean {
  return state !== undefined || name !== undefined || below !== Number.MAX_SAFE_INTEGER;
}

/** The one that leaves fewer rows comes first. */
function toFilters({ state, name }: Pick<Search, 'state' | 'name'>): Part[] {
  return [
    ...(name === undefined ? [] : [{ sql: 'name = ?', values: [name] }]),
    ...(state === undefined ? [] : [{ sql: 'state = ?', values: [state] }]),
  ];
}

function toTextFilter(q: string): Part {
  const text = q.replaceAll(/[\\%_]/g, String.raw`\$&`);
  return {
    sql: String.raw`(name LIKE ? ESCAPE '\' OR id LIKE ? ESCAPE '\')`,
    values: [`%${text}%`, `${text}%`],
  };
}

/** The index knows nothing of less than three characters. */
function hasTrigram(q: string): boolean {
  return /.{3}/su.test(q);
}

/** Names with all trigrams of the text; they need not stand in its order. */
function toMatch(q: string): string {
  const signs = Array.from(q);
  const trigrams = new Set(signs.slice(2).map((sign, nth) => `${signs[nth]}${signs[nth + 1]}${sign}`));
  return [...trigrams].map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(' AND ');
}

/** Above every text that starts so, in the order of bytes. */
function endOfPrefix(text: string): string {
  return `${text}\u{10FFFF}`;
}
