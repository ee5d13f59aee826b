import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createJanitor } from '../../src/control/janitor.ts';
import type { KeepLimits } from '../../src/control/janitor.ts';
import { commandLine } from '../../src/core/access.ts';
import { completeJob, exitedPod } from '../support/sightings.ts';
import { newJob, openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

let stage: Stage;
let stop: AbortController;

beforeEach(() => {
  stage = openStage();
  stop = new AbortController();
});

afterEach(() => stage.close());

const dayMs = 24 * 60 * 60 * 1000;
const mebibyte = 1024 * 1024;
const generous: KeepLimits = {
  jobsDays: 1000,
  jobs: 1_000_000,
  eventsDays: 1000,
  events: 1_000_000,
  logsDays: 1000,
  logBytes: 1000 * mebibyte,
  keysDays: 1000,
  auditDays: 1000,
};

function tidy(limits: Partial<KeepLimits> = {}) {
  const { store, clock } = stage;
  return createJanitor({ store, clock, keep: { ...generous, ...limits }, signal: stop.signal }).runOnce();
}

/** Accepted, run, ended and gone from the cluster. */
function play(id: string, { log = 'hello\n', idGiven = true } = {}): void {
  const [uid, podUid, kubernetesName] = [`uid-of-${id}`, `pod-of-${id}`, `report-${id}`];
  stage.accept({ id, idGiven, name: `Report ${id}`, kubernetesName });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid });
  stage.store.observePod(id, exitedPod(0, { uid: podUid, jobUid: uid }));
  stage.store.keepLog({ jobId: id, podUid, pod: podUid, task: 0, text: Buffer.from(log) });
  stage.store.observeJob(id, completeJob({ uid, name: kubernetesName }));
  stage.store.markPodGone(id, podUid);
  stage.store.markJobGone(id, uid);
}

const fileSize = () => statSync(stage.path).size;

test('what is younger than the limits stays', async () => {
  play('a');
  stage.advance(999 * dayMs);
  expect(await tidy()).toEqual({ jobs: 0, events: 0, logs: 0, tombstones: 0, audit: 0, pages: 0 });
});

test('the audit log goes in its own time', async () => {
  stage.store.noteAction({ by: commandLine, action: 'cancel', target: 'a' });
  stage.advance(11 * dayMs);
  expect(await tidy({ auditDays: 12 })).toMatchObject({ audit: 0 });
  expect(await tidy({ auditDays: 10 })).toMatchObject({ audit: 1 });
  expect(stage.store.listAudit({ after: 0, limit: 1 })).toEqual([]);
});

test('a run ends when it has lasted long enough, and the next one goes on', async () => {
  for (let n = 0; n < 40; n += 1) play(`j${n}`);
  stage.advance(31 * dayMs);
  let now = 0;
  const elapsed = () => (now += 9000);
  const { store, clock } = stage;
  const keep = { ...generous, jobsDays: 30 };
  const janitor = createJanitor({ store, clock, keep, signal: stop.signal, elapsed });
  const { jobs } = await janitor.runOnce();
  expect(jobs).toBeGreaterThan(0);
  expect(jobs).toBeLessThan(40);
  expect(jobs + (await tidy({ jobsDays: 30 })).jobs).toBe(40);
});

test('logs, history, job and keys go each in their own time', async () => {
  const limits = { logsDays: 10, eventsDays: 20, jobsDays: 30, keysDays: 40 };
  play('a');
  const asksAgain = () => stage.store.acceptJob(newJob({ id: 'a' })).kind;
  stage.advance(11 * dayMs);
  expect(await tidy(limits)).toMatchObject({ logs: 1, events: 0, jobs: 0, tombstones: 0 });
  stage.advance(10 * dayMs);
  expect(await tidy(limits)).toMatchObject({ logs: 0, events: 6, jobs: 0, tombstones: 0 });
  expect(stage.store.findJob('a')).toMatchObject({ state: 'SUCCEEDED' });
  stage.advance(10 * dayMs);
  expect(await tidy(limits)).toMatchObject({ logs: 0, events: 0, jobs: 1, tombstones: 0 });
  expect(asksAgain()).toBe('same');
  stage.advance(10 * dayMs);
  expect(await tidy(limits)).toMatchObject({ logs: 0, events: 0, jobs: 0, tombstones: 1 });
  expect(asksAgain()).toBe('accepted');
});

test('each number and size is a limit too', async () => {
  for (const id of ['a', 'b', 'c']) {
    stage.advance(1000);
    play(id);
  }
  expect(await tidy({ jobs: 2 })).toMatchObject({ jobs: 1 });
  expect(await tidy({ events: 6 })).toMatchObject({ events: 6 });
  expect(await tidy({ logBytes: 20 })).toMatchObject({ logs: 1 });
  expect(stage.store.listJobs({ limit: 10 }).jobs.map(({ id }) => id)).toEqual(['c', 'b']);
  expect(stage.history('c')).not.toEqual([]);
  expect(stage.store.findLog('pod-of-c')?.toString()).toBe('hello\n');
});

describe('with a lot to do', () => {
  beforeEach(() => {
    for (let nth = 0; nth < 50; nth += 1) play(`job-${nth}`);
    stage.advance(2 * dayMs);
  });

  test('it accepts jobs between its bites', async () => {
    let done = false;
    const running = tidy({ jobsDays: 1 }).finally(() => (done = true));
    await new Promise(setImmediate);
    expect(stage.store.acceptJob(newJob({ id: 'meanwhile' })).kind).toBe('accepted');
    expect(stage.store.countStates().SUCCEEDED).toBeGreaterThan(0);
    expect(done).toBe(false);
    expect(await running).toMatchObject({ jobs: 50 });
    expect(stage.store.findJob('meanwhile')).toBeDefined();
  });

  test('it stops at its signal, and the next run goes on', async () => {
    const running = tidy({ jobsDays: 1 });
    stop.abort();
    const { jobs } = await running;
    expect(jobs).toBeLessThan(50);
    stop = new AbortController();
    expect(await tidy({ jobsDays: 1 })).toMatchObject({ jobs: 50 - jobs });
  });
});

describe('the file', () => {
  const limits = { jobs: 100, logBytes: mebibyte };
  let made = 0;

  async function churn(jobs: number): Promise<void> {
    for (let nth = 0; nth < jobs; nth += 1) {
      made += 1;
      stage.advance(1000);
      play(`job-${made}`, { idGiven: false, log: randomBytes(8000).toString('hex') });
      if (nth % 100 === 0) await tidy(limits);
    }
    await tidy(limits);
  }

  test('stays as large as what is kept, through a thousand jobs, and so does the write-ahead log', async () => {
    await churn(200);
    const before = fileSize();
    await churn(800);
    expect(fileSize()).toBeLessThan(before * 1.1);
    expect(statSync(`${stage.path}-wal`).size).toBeLessThan(16 * mebibyte);
    const db = new Database(stage.path, { readonly: true });
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();
  });

  test('gives its room back when most of it is removed', async () => {
    for (let nth = 0; nth < 30; nth += 1)
      play(`large-${nth}`, { log: randomBytes(mebibyte / 2).toString('hex') });
    await tidy();
    const before = fileSize();
    stage.advance(2 * dayMs);
    const { pages } = await tidy({ logsDays: 1 });
    expect(pages).toBeGreaterThan(1000);
    expect(before - fileSize()).toBeGreaterThan(10 * mebibyte);
  });
});
