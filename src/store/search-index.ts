import type { Sql } from './database.ts';
import { searchedColumns, toIndexedText } from './search-text.ts';
import type { SearchedJob } from './search-text.ts';
import type { Writes } from './writes.ts';

/** What one transaction indexes at most, in jobs and in characters: some ten milliseconds of work. */
const biteJobs = 300;
const biteCharacters = 32_768;

/** What is merged at once, in pages: some milliseconds as well. Of many small parts the index would answer more slowly. */
const bitePages = 64;

/** Brings what has ended into the index of the search. */
export function createSearchIndex({ db, writes }: { db: Sql; writes: Pick<Writes, 'transact'> }) {
  // The newest first: they are what people look for, and FTS5 wants its rows upwards.
  const waiting = db.prepare<[], SearchedJob>(
    `SELECT waiting.number, ${searchedColumns} FROM jobs_to_index AS waiting CROSS JOIN jobs ON jobs.number = waiting.number
     ORDER BY waiting.number DESC LIMIT ${biteJobs}`,
  );
  const keep = db.prepare('INSERT OR REPLACE INTO job_texts (rowid, text) VALUES (?, ?)');
  const done = db.prepare('DELETE FROM jobs_to_index WHERE number = ?');
  const merge = db.prepare(`INSERT INTO job_texts (job_texts, rank) VALUES ('merge', ${bitePages})`);
  const countChanges = db.prepare<[], number>('SELECT total_changes()').pluck();

  /** One bite, in one transaction with the note that it is done; `jobs` is 0 when nothing waits. */
  function indexEndedJobs(): { jobs: number } {
    if (waiting.get() === undefined) return { jobs: 0 };
    return writes.transact(() => {
      let [jobs, characters] = [0, 0];
      for (const job of waiting.all()) {
        if (characters >= biteCharacters) break;
        const text = toIndexedText(job);
        keep.run(-job.number, text);
        done.run(job.number);
        jobs += 1;
        characters += text.length;
      }
      merge.run();
      return { jobs };
    });
  }

  /** One bite of the merges that are left; false where none was. */
  function mergeIndex(): boolean {
    return writes.transact(() => {
      const before = countChanges.get() ?? 0;
      merge.run();
      // The command itself counts as one.
      return (countChanges.get() ?? 0) - before > 1;
    });
  }

  return { indexEndedJobs, mergeIndex };
}
