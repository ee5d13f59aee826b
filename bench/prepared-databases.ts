import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Releasers } from '../src/app/releasers.ts';
import { writeLiveJobs } from './live-jobs.ts';
import type { LiveJob } from './live-jobs.ts';
import { writeManyRows } from './many-rows.ts';

export type PreparedDatabases = ReturnType<typeof createPreparedDatabases>;

/** Databases that several benchmarks of a run begin with, each written once: a million rows take longer to write than to measure. */
export function createPreparedDatabases(releasers: Releasers) {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  releasers.push(() => rmSync(dir, { recursive: true }));
  const many = new Map<number, string>();
  const live = new Map<number, { path: string; jobs: Promise<LiveJob[]> }>();
  let copies = 0;

  /** So many jobs that have ended; the copy is the caller's. */
  function copyManyRows(rows: number, to: string): void {
    const path = many.get(rows) ?? join(dir, `${rows}-rows.db`);
    if (!many.has(rows)) writeManyRows(path, rows);
    many.set(rows, path);
    copyFileSync(path, to);
  }

  /** So many jobs that are in the cluster, and a way to another copy of them. */
  async function prepareLiveJobs(
    count: number,
  ): Promise<{ jobs: LiveJob[]; copyTo: (path: string) => void }> {
    const path = join(dir, `${count}-live.db`);
    const known = live.get(count) ?? { path, jobs: writeLiveJobs(path, count) };
    live.set(count, known);
    return { jobs: await known.jobs, copyTo: (to) => copyFileSync(path, to) };
  }

  return {
    copyManyRows,
    prepareLiveJobs,
    /** A place for one more database, which goes with the run. */
    newPath: () => join(dir, `copy-${(copies += 1)}.db`),
  };
}
