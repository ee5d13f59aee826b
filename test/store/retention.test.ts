import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { completeJob, exitedPod, runningPod } from '../support/sightings.ts';
import { createJobRows } from '../../src/store/jobs.ts';
import { createLogRetention } from '../../src/store/log-retention.ts';
import { createRetention } from '../../src/store/retention.ts';
import { createTombstones } from '../../src/store/tombstones.ts';
import { createWrites } from '../../src/store/writes.ts';
import { openStage, silent } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
let db: Database.Database;

beforeEach(() => {
  stage = openStage();
  db = new Database(stage.path, { readonly: true });
});

afterEach(() => {
  db.close();
  stage.close();
});

const dayMs = 24 * 60 * 60 * 1000;
const later = '2027-01-01T00:00:00.000Z';
const nothingOld = '2026-01-01T00:00:00.000Z';
const plenty = 1_000_000;

const count = (table: string) => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
const kept = () => db.prepare('SELECT events, log_bytes AS logBytes FROM kept').get();

/** Accepted, created, and complete; still in the cluster. */
function end(id: string, changes: Parameters<Stage['create']>[0] = {}): string {
  const uid = `uid-of-${id}`;
  const kubernetesName = `report-${id}`;
  stage.accept({ id, kubernetesName, name: `Report ${id}`, ...changes });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid });
  stage.store.observePod(id, exitedPod(0, { uid: `pod-of-${id}`, jobUid: uid }));
  stage.store.addReport({ 'job-id': id, status: 'SUCCESS', 'pod-uid': `pod-of-${id}` });
  stage.store.observeJob(id, completeJob({ uid, name: kubernetesName }));
  stage.store.keepLog({
    jobId: id,
    podUid: `pod-of-${id}`,
    pod: `pod-of-${id}`,
    task: 0,
    text: Buffer.from(`the log of ${id}\n`),
  });
  return id;
}

function leave(id: string): string {
  stage.store.markJobGone(id, `uid-of-${id}`);
  for (const { uid } of stage.store.listPodsAfter(id, 0)) stage.store.markPodGone(id, uid);
  return id;
}

const finish = (id: string, changes: Parameters<Stage['create']>[0] = {}) => leave(end(id, changes));

/** Until nothing is due; the number of bites that it took. */
function inBites(bite: () => number): number {
  let bites = 0;
  while (bite() > 0) bites += 1;
  return bites;
}

function removeJobs(limits: { endedBefore?: string; most?: number } = {}): number {
  return inBites(() => stage.store.removeEndedJobs({ endedBefore: later, most: plenty, ...limits }).rows);
}

function removeEvents(limits: { endedBefore?: string; most?: number } = {}): number {
  return inBites(() => stage.store.removeOldEvents({ endedBefore: later, most: plenty, ...limits }).rows);
}

function removeLogs(limits: { keptBefore?: string; mostBytes?: number } = {}): number {
  return inBites(() => stage.store.removeOldLogs({ keptBefore: nothingOld, mostBytes: 1e9, ...limits }).logs);
}

const logOf = (id: string) => stage.store.findLog(`pod-of-${id}`)?.toString();

describe('an old job', () => {
  test('goes with all that was known of it', () => {
    finish('old');
    expect(stage.store.removeEndedJobs({ endedBefore: later, most: plenty })).toMatchObject({ jobs: 1 });
    expect(stage.store.findJob('old')).toBeUndefined();
    const tables = ['jobs', 'job_events', 'pods', 'reports', 'task_reports', 'claims', 'logs'];
    expect(Object.fromEntries(tables.map((table) => [table, count(table)]))).toEqual(
      Object.fromEntries(tables.map((table) => [table, 0])),
    );
    expect(kept()).toEqual({ events: 0, logBytes: 0 });
    expect(db.pragma('foreign_key_check')).toEqual([]);
  });

  test('is neither counted nor found any more, and the others are', () => {
    finish('old');
    stage.advance(dayMs);
    const endedBefore = stage.clock().toISOString();
    finish('new');
    removeJobs({ endedBefore });
    expect(stage.store.countStates()).toMatchObject({ SUCCEEDED: 1 });
    const found = (q: string) => stage.store.listJobs({ q, limit: 10 }).jobs.map(({ id }) => id);
    expect(found('eport')).toEqual(['new']);
    expect(count('jobs_to_index')).toBe(1);
  });

  test.each([
    ['that runs', () => stage.create({ id: 'a' })],
    ['that waits', () => stage.accept({ id: 'a' })],
    ['whose Kubernetes Job is still there', () => end('a')],
    [
      'whose pod is still there',
      () => {
        end('a');
        stage.store.markJobGone('a', 'uid-of-a');
      },
    ],
  ])('%s stays', (_, play) => {
    play();
    removeJobs();
    removeEvents();
    expect(stage.store.findJob('a')).toBeDefined();
    expect(stage.history('a')).not.toEqual([]);
  });

  test('goes though the pod that its Job left behind, which has ended, stays in the cluster', () => {
    end('a');
    stage.store.observePod('a', exitedPod(0, { uid: 'pod-of-a', jobUid: 'uid-of-a', orphaned: true }));
    stage.store.markJobGone('a', 'uid-of-a');
    removeEvents();
    expect(stage.history('a')).toEqual([]);
    removeJobs();
    expect(stage.store.findJob('a')).toBeUndefined();
  });

  test.each([
    ['was cancelled in the queue', () => stage.store.requestCancel('a', 'User')],
    [
      'was refused by the cluster',
      () => {
        stage.store.claimDispatch('a');
        stage.store.settleRefused('a', { reason: 'Invalid', message: 'no' });
      },
    ],
    [
      'was lost before anyone saw it',
      () => {
        stage.store.claimDispatch('a');
        stage.store.settleUnknown('a', { message: 'who knows' });
      },
    ],
  ])('that %s goes too', (_, play) => {
    stage.accept({ id: 'a' });
    play();
    removeJobs();
    expect(stage.store.findJob('a')).toBeUndefined();
  });

  test('makes room when there are too many, the first to end first', () => {
    for (const id of ['a', 'b', 'c']) {
      stage.advance(60_000);
      finish(id);
    }
    stage.accept({ id: 'waiting' });
    removeJobs({ endedBefore: nothingOld, most: 1 });
    expect(stage.store.listJobs({ limit: 10 }).jobs.map(({ id }) => id)).toEqual(['waiting', 'c']);
  });

  test('that was run again leaves its id with the later job', () => {
    finish('old');
    stage.accept({ id: 'again', rerunOf: 'old' });
    removeJobs();
    expect(stage.store.findJob('again')).toMatchObject({ rerunOf: 'old' });
  });

  test('takes no report any more', () => {
    finish('old');
    removeJobs();
    expect(stage.store.addReport({ 'job-id': 'old', status: 'SUCCESS' })).toEqual({ kind: 'unknown-job' });
  });
});

describe('a job of thousands of pods and reports', () => {
  const pods = 120;

  beforeEach(() => {
    stage.create({ id: 'big', spec: { completions: pods, completionMode: 'Indexed' } });
    for (let index = 0; index < pods; index += 1) {
      const uid = `pod-${index}`;
      stage.store.observePod('big', exitedPod(0, { uid, index }));
      stage.store.addReport({ 'job-id': 'big', status: 'SUCCESS', task: index, 'pod-uid': uid });
      stage.store.keepLog({ jobId: 'big', podUid: uid, pod: uid, task: index, text: Buffer.from('hi\n') });
      stage.store.markPodGone('big', uid);
    }
    stage.store.observeJob('big', completeJob({ succeeded: pods }));
    stage.store.markJobGone('big', 'job-uid');
  });

  test('is removed in bites of a hundred rows, and is whole enough to be read after each', () => {
    const rows = ['job_events', 'pods', 'reports', 'task_reports', 'claims', 'logs'].reduce(
      (sum, table) => sum + count(table),
      0,
    );
    let bites = 0;
    for (;;) {
      const { rows: removed, jobs } = stage.store.removeEndedJobs({ endedBefore: later, most: plenty });
      if (removed === 0) break;
      bites += 1;
      expect(removed).toBeLessThanOrEqual(100);
      expect(db.pragma('foreign_key_check')).toEqual([]);
      expect(stage.store.findJob('big')?.state).toBe(jobs === 1 ? undefined : 'SUCCEEDED');
    }
    expect(bites).toBe(Math.ceil((rows + 1) / 100));
    expect(count('jobs')).toBe(0);
  });

  test('goes on to be removed after a restart in the middle', () => {
    stage.store.removeEndedJobs({ endedBefore: later, most: plenty });
    stage.reopen();
    expect(stage.store.findJob('big')?.tasks).toHaveLength(pods);
    removeJobs();
    expect(stage.store.findJob('big')).toBeUndefined();
  });

  test('loses its history in bites too', () => {
    const events = count('job_events');
    expect(removeEvents()).toBe(Math.ceil((events + 1) / 100));
    expect(stage.history('big')).toEqual([]);
    expect(stage.store.findJob('big')?.tasks).toHaveLength(pods);
  });
});

describe('the history', () => {
  test('of a job that ended long ago goes, and the job stays', () => {
    finish('old');
    stage.advance(dayMs);
    const endedBefore = stage.clock().toISOString();
    finish('new');
    const events = stage.history('new');
    removeEvents({ endedBefore });
    expect(stage.history('old')).toEqual([]);
    expect(stage.history('new')).toEqual(events);
    expect(stage.store.findJob('old')).toMatchObject({ state: 'SUCCEEDED', tasks: [{ index: 0 }] });
    expect(kept()).toMatchObject({ events: events.length });
  });

  test('of the first to end goes while there are too many events', () => {
    for (const id of ['a', 'b', 'c']) {
      stage.advance(60_000);
      finish(id);
    }
    removeEvents({ endedBefore: nothingOld, most: count('job_events') - 1 });
    expect([stage.history('a').length, stage.history('b').length > 0]).toEqual([0, true]);
  });

  test('goes on from the same number after its newest events were removed', () => {
    finish('old');
    const before = stage.store.lastSeq();
    removeJobs();
    expect(stage.store.lastSeq()).toBe(before);
    stage.reopen();
    expect(stage.store.lastSeq()).toBe(before);
    stage.accept({ id: 'new' });
    expect(stage.store.listEvents({ after: 1, limit: 10 })).toMatchObject([
      { seq: before + 1, jobId: 'new' },
    ]);
  });
});

describe('a removed log', () => {
  test('was kept too long, and says so', () => {
    end('old');
    stage.advance(dayMs);
    const keptBefore = stage.clock().toISOString();
    end('new');
    removeLogs({ keptBefore });
    expect(logOf('old')).toBe('[the log of pod report-bcdfghjklm-x7k2p is no longer kept]\n');
    expect(logOf('new')).toBe('the log of new\n');
  });

  test('is the oldest while all of them have more than they may', () => {
    for (const id of ['a', 'b', 'c']) {
      end(id);
      stage.advance(1000);
    }
    const [bytes] = db
      .prepare("SELECT octet_length(text) FROM logs WHERE pod_uid = 'pod-of-c'")
      .pluck()
      .all();
    removeLogs({ mostBytes: Number(bytes) * 2 });
    expect([logOf('a'), logOf('b'), logOf('c')]).toEqual([
      expect.stringContaining('no longer kept'),
      'the log of b\n',
      'the log of c\n',
    ]);
    expect(kept()).toMatchObject({ logBytes: Number(bytes) * 2 });
  });

  test('is not fetched a second time', () => {
    end('a');
    removeLogs({ keptBefore: later });
    const log = { jobId: 'a', podUid: 'pod-of-a', pod: 'p', task: 0, text: Buffer.from('again') };
    stage.store.keepLog(log);
    stage.store.keepRun({ ...log, run: 1 });
    stage.store.markLogUnavailable('pod-of-a');
    expect(logOf('a')).toContain('no longer kept');
    expect(count('logs')).toBe(0);
  });

  test('is never one of a pod that goes on', () => {
    stage.create({ id: 'a' });
    stage.store.observePod('a', runningPod({ restarts: 1 }));
    const log = { jobId: 'a', podUid: 'pod-uid', pod: 'p', task: 0 };
    stage.store.keepRun({ ...log, run: 1, text: Buffer.from('first\n') });
    removeLogs({ keptBefore: later, mostBytes: 0 });
    stage.store.observePod('a', exitedPod(0, { restarts: 1 }));
    stage.store.keepLog({ ...log, text: Buffer.from('second\n') });
    expect(stage.store.findLog('pod-uid')?.toString()).toBe('first\nsecond\n');
  });

  describe('of a large size', () => {
    const pods = 6;

    beforeEach(() => {
      stage.create({ id: 'large', spec: { completions: pods, completionMode: 'Indexed' } });
      for (let index = 0; index < pods; index += 1) {
        const uid = `pod-${index}`;
        stage.store.observePod('large', exitedPod(0, { uid, index }));
        const text = randomBytes(2 ** 20);
        stage.store.keepLog({ jobId: 'large', podUid: uid, pod: uid, task: index, text });
        stage.store.markPodGone('large', uid);
      }
      stage.store.observeJob('large', completeJob({ succeeded: pods }));
      stage.store.markJobGone('large', 'job-uid');
    });

    test('goes with few others in one bite', () => {
      const { logs, bytes } = stage.store.removeOldLogs({ keptBefore: later, mostBytes: 1e9 });
      expect(logs).toBeLessThan(pods);
      expect(bytes).toBeLessThan(4 * 2 ** 20);
    });

    test('holds its job back until it is its turn', () => {
      expect(removeJobs()).toBe(3);
      expect(stage.store.findJob('large')).toBeUndefined();
      expect(kept()).toEqual({ events: 0, logBytes: 0 });
    });
  });

  test('is weighed as it was when it had grown', () => {
    stage.create({ id: 'a' });
    stage.store.observePod('a', runningPod({ restarts: 1 }));
    const log = { jobId: 'a', podUid: 'pod-uid', pod: 'p', task: 0 };
    stage.store.keepRun({ ...log, run: 1, text: randomBytes(1000) });
    stage.store.observePod('a', exitedPod(0, { restarts: 1 }));
    stage.store.keepLog({ ...log, text: randomBytes(1000) });
    const [bytes] = valuesOf('SELECT sum(octet_length(text)) FROM logs');
    expect(Number(bytes)).toBeGreaterThan(1900);
    expect(kept()).toMatchObject({ logBytes: bytes });
  });
});

describe('however many rows there are', () => {
  test('what is due is found by an index', () => {
    finish('a', { idempotencyKey: 'key' });
    end('b');
    for (let nth = 0; nth < 210; nth += 1) stage.store.addReport({ 'job-id': 'b', status: `word ${nth}` });
    leave('b');
    const statements: string[] = [];
    const spied = new Database(stage.path, { verbose: (sql) => statements.push(String(sql)) });
    const writes = createWrites({ db: spied, clock: stage.clock, log: silent });
    const tombstones = createTombstones({ db: spied, writes });
    const logRetention = createLogRetention({ db: spied, writes });
    const rows = createJobRows(spied);
    const retention = createRetention({ db: spied, rows, writes, tombstones, logRetention });
    logRetention.removeOldLogs({ keptBefore: later, mostBytes: 1e9 });
    retention.removeOldEvents({ endedBefore: later, most: plenty });
    retention.removeEndedJobs({ endedBefore: later, most: plenty });
    tombstones.removeOldTombstones({ acceptedBefore: later });
    spied.close();

    const steps = statements
      .filter((sql) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql))
      .flatMap((sql) => planOf(sql).map((step) => `${step} in ${sql}`));
    expect(steps.length).toBeGreaterThan(20);
    // But for the tables of one row and of seven.
    expect(steps.filter((step) => /^SCAN (?!kept|job_counts|CONSTANT)|TEMP B-TREE/.test(step))).toEqual([]);
  });

  test('who still refers to a removed row is found by an index', () => {
    const missing = valuesOf(
      `SELECT t.name || '.' || f."from" FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f
       WHERE NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c
         WHERE i.partial = 0 AND c.seqno = 0 AND c.name = f."from")`,
    );
    expect(missing).toEqual([]);
  });
});

function planOf(sql: string): string[] {
  return db
    .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail);
}

function valuesOf(sql: string): unknown[] {
  return db.prepare(sql).pluck().all();
}
