import Database from 'better-sqlite3';
import { pino } from 'pino';
import { createSearchIndex } from '../src/store/search-index.ts';
import { openStore } from '../src/store/store.ts';
import { newJob } from '../test/store/stage.ts';

/** Some words that recur, and a number as random ones are, by which a job can be found. */
const kinds = ['nightly report', 'resize images', 'import of orders', 'mail digest'];
const spread = 2_654_435_761;
const nameOf = `CASE n % 4 ${kinds.map((kind, at) => `WHEN ${at} THEN '${kind}'`).join(' ')} END || printf(' %08x', n * ${spread} % 4294967296)`;

/** Every tenth has failed. */
const hasFailed = 'n % 10 = 5';
const reportOf = `json_object('status', iif(${hasFailed}, 'ERROR', 'SUCCESS'), 'message', printf('%d of 1000 rows written', n % 1000),
  'progress', 100, 'at', @at)`;
const explanation = 'The Job failed because its pods failed more often than its backoffLimit allows.';

/** What only the n-th job has in its name. */
export function numberIn(n: number): string {
  return ((n * spread) % 2 ** 32).toString(16).padStart(8, '0');
}

/** The whole name of the n-th job. */
export function nameOfJob(n: number): string {
  return `${kinds[n % kinds.length]} ${numberIn(n)}`;
}

/** A database with so many jobs that have ended, in the schema of the store, and indexed as the service does it; written at once, since nobody waits for these. */
export function writeManyRows(path: string, rows: number): void {
  openStore({ path, clock: () => new Date(), log: pino({ level: 'silent' }) }).close();
  const db = new Database(path);
  db.pragma('synchronous = OFF');
  db.prepare(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < @rows)
     INSERT INTO jobs (id, name, spec, priority, request_hash, namespace, generate_name, kubernetes_name, state, reason, explanation, report, created_at,
       claimed_at, started_at, finished_at, dispatch, kubernetes_uid, gone)
     SELECT printf('JOB%010d', n), ${nameOf}, @spec, 0, 'hash', 'jobs', 'job-', 'job-' || n, iif(${hasFailed}, 'FAILED', 'SUCCEEDED'),
       iif(${hasFailed}, 'BackoffLimitExceeded', NULL), iif(${hasFailed}, @explanation, NULL), ${reportOf}, @at, @at, @at, @at, 'created',
       'uid-' || n, 1 FROM numbers`,
  ).run({ rows, explanation, spec: JSON.stringify(newJob().spec), at: new Date().toISOString() });
  db.exec('INSERT INTO jobs_to_index SELECT number FROM jobs');
  const { indexEndedJobs, mergeIndex } = createSearchIndex({
    db,
    writes: { transact: (change) => db.transaction(change)() },
  });
  while (indexEndedJobs().jobs > 0);
  while (mergeIndex());
  db.close();
}
