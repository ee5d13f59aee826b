import type { Sql } from './database.ts';
import { searchedColumns } from './search-text.ts';
import type { SearchedJob } from './search-text.ts';

/** An id has nothing else. */
const idSigns = /^[A-Z0-9._-]+$/;

/**
 * Finds jobs by the start of their id, whatever letters of it are large, in the index that ids have anyway: there `job-1` and `JOB-1` lie
 * far apart, so the ways to write it that ids begin with are found first, sign by sign.
 */
export function createIdSearch(db: Sql, { mostIds }: { mostIds: number }) {
  const between = 'FROM jobs WHERE id >= ? AND id < ?';
  const any = db.prepare(`SELECT 1 ${between} LIMIT 1`);
  const numbers = db.prepare<[string, string], number>(`SELECT number ${between} LIMIT ${mostIds}`).pluck();
  const byNumber = db.prepare<[number], SearchedJob>(
    `SELECT number, ${searchedColumns} FROM jobs WHERE number = ?`,
  );

  /** Jobs below a number, newest first, whose id has the folded text as its start. Null: there are too many to put them in order. */
  return function findByStart(text: string, below: number): Iterable<SearchedJob> | null {
    if (!idSigns.test(text)) return [];
    let starts = [''];
    for (const sign of text) {
      const ways = new Set([sign, sign.toLowerCase()]);
      starts = starts.flatMap((start) => [...ways].map((way) => start + way)).filter(isStart);
      if (starts.length >= mostIds) return null;
    }
    const found = starts.flatMap((start) => numbers.all(start, endOf(start)));
    return found.length >= mostIds ? null : rows(found.filter((number) => number < below));
  };

  function isStart(text: string): boolean {
    return any.get(text, endOf(text)) !== undefined;
  }

  function* rows(unordered: number[]): Generator<SearchedJob> {
    for (const number of unordered.toSorted((a, b) => b - a)) {
      const row = byNumber.get(number);
      if (row !== undefined) yield row;
    }
  }
}

/** Above every text that starts so, in the order of bytes. */
function endOf(start: string): string {
  return `${start}\u{10FFFF}`;
}
