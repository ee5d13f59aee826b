import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { jobQuerySchema } from '../../src/core/job.ts';
import { applicationId } from '../../src/store/database.ts';
import { openStore } from '../../src/store/store.ts';
import { exitedPod, failedJob } from '../support/sightings.ts';
import { newJob, silent } from './stage.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-migrate-'));
  path = join(directory, 'jobspawn.db');
});

afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openStore({ path, clock: () => new Date('2026-01-02T00:00:00Z'), log: silent });

const migrations = join(import.meta.dirname, '../../src/store/migrations');

/** A database as an older program left it. */
function makeOlder(version: number): Database.Database {
  const db = new Database(path);
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma(`application_id = ${applicationId}`);
  const files = readdirSync(migrations).toSorted().slice(0, version);
  for (const file of files) db.exec(readFileSync(join(migrations, file), 'utf8'));
  db.pragma(`user_version = ${version}`);
  return db;
}

function addJobs(db: Database.Database, count: number): void {
  const insert = db.prepare(
    `INSERT INTO jobs (id, name, spec, priority, request_hash, namespace, generate_name, kubernetes_name, created_at, claimed_at, started_at,
       finished_at, state, report, reason)
     VALUES (@id, @name, @spec, 0, 'hash', 'jobs', 'report-', 'report-' || @id, @at, @at, @at, @finishedAt, @state, @report, @reason)`,
  );
  const at = '2026-01-01T10:00:00.000Z';
  for (let nth = 1; nth <= count; nth += 1) {
    const state = ['RUNNING', 'SUCCEEDED', 'FAILED'][nth % 3];
    insert.run({
      id: `id-${nth}`,
      name: `Report ${nth}`,
      spec: JSON.stringify(newJob().spec),
      at,
      finishedAt: state === 'RUNNING' ? null : at,
      state,
      report: JSON.stringify({ status: 'Working', message: `wrote ${nth} rows`, progress: null, at }),
      reason: state === 'FAILED' ? 'BackoffLimitExceeded' : null,
    });
  }
}

test.each([1, 2])(
  'the jobs of a database of schema %i are found before they are indexed, and after',
  (version) => {
    const older = makeOlder(version);
    addJobs(older, 700);
    older.close();
    const store = open();
    const find = (query: object) =>
      store.listJobs(jobQuerySchema.parse({ limit: 500, ...query })).jobs.map(({ id }) => id);
    const findAll = () => ({
      byName: find({ q: 'EPORT 69' }),
      byMessage: find({ q: 'wrote 42 rows' }),
      byReason: find({ q: 'backoff', limit: 3 }),
      inState: find({ q: 'report 7', state: 'SUCCEEDED', limit: 3 }),
      live: find({ q: 'report 6', state: 'RUNNING', limit: 3 }),
      byId: find({ q: 'ID-70' }),
    });
    const before = findAll();
    expect(before).toEqual({
      byName: [
        'id-699',
        'id-698',
        'id-697',
        'id-696',
        'id-695',
        'id-694',
        'id-693',
        'id-692',
        'id-691',
        'id-690',
        'id-69',
      ],
      byMessage: ['id-42'],
      byReason: ['id-698', 'id-695', 'id-692'],
      inState: ['id-700', 'id-79', 'id-76'],
      live: ['id-699', 'id-696', 'id-693'],
      byId: ['id-700', 'id-70'],
    });
    let [indexed, bites] = [0, 0];
    for (let jobs = -1; jobs !== 0; bites += 1) {
      ({ jobs } = store.indexEndedJobs());
      indexed += jobs;
      expect(findAll()).toEqual(before);
    }
    // What runs waits for its end.
    expect(indexed).toBe(467);
    expect(bites).toBeGreaterThan(2);
    store.close();
  },
);

function readSchema(): { parts: unknown[]; check: unknown } {
  const db = new Database(path, { readonly: true });
  const parts = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY name")
    .all();
  const check = db.pragma('integrity_check', { simple: true });
  db.close();
  return { parts, check };
}

test('a database that was migrated is whole, and like one that is new', () => {
  const older = makeOlder(2);
  addJobs(older, 30);
  older.close();
  open().close();
  const migrated = readSchema();
  expect(migrated.check).toBe('ok');
  rmSync(path);
  open().close();
  expect(migrated).toEqual(readSchema());
});

test('what a database of schema 3 knew of pods and reports is known after, and its jobs go on', () => {
  const older = makeOlder(3);
  addJobs(older, 3);
  const at = '2026-01-01T10:00:00.000Z';
  older.exec(`
    UPDATE jobs SET kubernetes_uid = 'job-uid', dispatch = 'created' WHERE id = 'id-3';
    INSERT INTO pods (uid, job_id, name, job_uid, job_name, task, phase, created_at, started_at, restarts, ended, has_run, stuck, stopped, runs_over)
      VALUES ('pod-uid', 'id-3', 'report-id-3-x', 'job-uid', 'report-id-3', 0, 'Running', '${at}', '${at}', 0, 0, 1, 0, 0, 0);
    INSERT INTO reports (job_id, at, status, terminal, task, pod_uid, source, contradicts)
      VALUES ('id-3', '${at}', 'ERROR', 'ERROR', 0, 'pod-uid', 'report', 0);
    INSERT INTO task_reports (job_id, task, seq) SELECT job_id, task, seq FROM reports;
  `);
  older.close();
  const store = open();
  expect(store.findJob('id-3')).toMatchObject({
    state: 'RUNNING',
    tasks: [{ attempts: [{ podUid: 'pod-uid', phase: 'Running' }] }],
    reports: [{ status: 'ERROR', podUid: 'pod-uid' }],
  });
  const pod = { uid: 'pod-uid', name: 'report-id-3-x', jobUid: 'job-uid', jobName: 'report-id-3' };
  store.observePod('id-3', exitedPod(1, { ...pod, createdAt: at, startedAt: at }));
  store.observeJob('id-3', failedJob('BackoffLimitExceeded', { uid: 'job-uid', name: 'report-id-3' }));
  expect(store.findJob('id-3')?.state).toBe('FAILED');
  store.close();
});
