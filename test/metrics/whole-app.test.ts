import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { readinessSchema } from '../../src/core/readiness.ts';
import { startTestApp } from '../support/running-app.ts';
import { scrape } from '../support/exposition.ts';
import { until } from '../support/until.ts';

type TestApp = Awaited<ReturnType<typeof startTestApp>>;

async function readyz(url: string) {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, ...readinessSchema.parse(await answer.json()) };
}

const loops = [
  'full compare',
  'owed observations',
  'dispatcher',
  'canceller',
  'log keeper',
  'last words',
  'search index',
];

describe('a service that works', () => {
  let dir: string;
  let app: TestApp;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'jobspawn-metrics-'));
    app = await startTestApp({ DATABASE_PATH: join(dir, 'jobspawn.db'), LOG_LEVEL: 'silent' });
    await until(async () => (await readyz(app.url)).ready);
  });
  afterAll(async () => {
    await app.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('counts a job that succeeds and one that fails exactly once each', async () => {
    const figures = async () => {
      const { value } = await scrape(app.url);
      const ended = (state: string) => value('jobspawn_job_duration_seconds_count', { state }) ?? NaN;
      const ran = (state: string) => value('jobspawn_job_run_seconds_count', { state }) ?? NaN;
      return {
        created: value('jobspawn_dispatch_outcomes_total', { outcome: 'created' }) ?? NaN,
        queued: value('jobspawn_job_queue_seconds_count') ?? NaN,
        succeeded: [ended('SUCCEEDED'), ran('SUCCEEDED'), value('jobspawn_jobs', { state: 'SUCCEEDED' })],
        failed: [ended('FAILED'), ran('FAILED'), value('jobspawn_jobs', { state: 'FAILED' })],
        accepted: value('jobspawn_http_requests_total', {
          route: '/api/v1/jobs',
          method: 'POST',
          status: '2xx',
        }),
      };
    };
    expect(await figures()).toMatchObject({ created: 0, succeeded: [0, 0, 0], failed: [0, 0, 0] });
    const good = await app.submit({ name: 'good', command: ['true'] });
    expect(await app.untilDone(good.id)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await figures()).toEqual({
      created: 1,
      queued: 1,
      succeeded: [1, 1, 1],
      failed: [0, 0, 0],
      accepted: 1,
    });
    // Long enough to be seen running: of a failure that overtakes its pod nobody knows at the end how long it ran.
    const bad = await app.submit({ name: 'bad', command: ['sh', '-c', 'sleep 1; exit 1'] });
    expect(await app.untilDone(bad.id)).toMatchObject({ state: 'FAILED' });
    const both = { created: 2, queued: 2, succeeded: [1, 1, 1], failed: [1, 1, 1], accepted: 2 };
    expect(await figures()).toEqual(both);
    expect(await figures()).toEqual(both);
  });

  test('tells of its watches, queue and loops in both places', async () => {
    const { status, degraded, watches, queue, dispatch, loops: told } = await readyz(app.url);
    expect({ status, degraded }).toEqual({ status: 200, degraded: [] });
    const { value } = await scrape(app.url);
    for (const resource of ['jobs', 'pods'] as const) {
      const watch = watches?.[resource];
      expect(watch).toMatchObject({ restarts: 0, faults: 0, lagSeconds: expect.any(Number) });
      expect(value('jobspawn_watch_last_sync_timestamp_seconds', { resource })).toBe(
        Date.parse(watch?.lastSyncAt ?? '') / 1000,
      );
      expect(value('jobspawn_watch_lag_seconds', { resource })).toBeGreaterThanOrEqual(0);
      expect(value('jobspawn_watch_restarts_total', { resource })).toBe(0);
    }
    expect(queue).toMatchObject({ depth: 0, oldestQueuedAt: null, active: 0 });
    expect(value('jobspawn_active_jobs_limit')).toBe(queue.maxActive);
    expect(dispatch?.held).toBeNull();
    expect(Object.keys(told).toSorted()).toEqual(expect.arrayContaining(loops.toSorted()));
    for (const loop of loops) {
      expect(value('jobspawn_loop_runs_total', { loop })).toBeGreaterThan(0);
      expect(value('jobspawn_loop_failures_total', { loop })).toBe(0);
      expect(value('jobspawn_loop_last_success_timestamp_seconds', { loop })).toBeGreaterThan(1e9);
    }
    expect(value('jobspawn_database_bytes')).toBeGreaterThan(10_000);
  });

  test('exposes the metrics that the docs name, and no other', async () => {
    const { types } = await scrape(app.url);
    const exposed = [...types.keys()].filter((name) => name.startsWith('jobspawn_'));
    const table = readFileSync('docs/observability.md', 'utf8').matchAll(/^\| `(jobspawn_\w+)/gm);
    expect(exposed.toSorted()).toEqual([...table].map(([, name = '']) => name).toSorted());
    for (const name of exposed) expect(name.endsWith('_total')).toBe(types.get(name) === 'counter');
  });

  test('shows a loop that fails on /readyz and /metrics, and that it goes well again', async () => {
    const loop = 'log keeper';
    const complaint = `The loop "${loop}" failed in its last run.`;
    const db = new Database(join(dir, 'jobspawn.db'));
    try {
      db.exec('ALTER TABLE pods RENAME TO pods_elsewhere');
      await until(async () => (await readyz(app.url)).degraded.includes(complaint));
      expect((await scrape(app.url)).value('jobspawn_loop_failures_total', { loop })).toBeGreaterThan(0);
      const { status, loops: told } = await readyz(app.url);
      expect(status).toBe(200);
      expect(told[loop]).toMatchObject({
        failures: expect.any(Number),
        lastError: expect.any(String),
      });
      expect(told['canceller']).toMatchObject({ failures: 0, lastError: null });
      expect((await scrape(app.url)).value('jobspawn_degraded')).toBeGreaterThan(0);
    } finally {
      db.exec('ALTER TABLE pods_elsewhere RENAME TO pods');
      db.close();
    }
    await until(async () => (await readyz(app.url)).degraded.length === 0);
  });
});

test('before the cluster is known there is nothing to tell of it, but the queue can be seen', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-metrics-'));
  const kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1/', 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'jobs' } }],
      'current-context': 'x',
    }),
  );
  const app = await startTestApp({ CLUSTER: 'kubeconfig', KUBECONFIG: kubeconfig });
  try {
    await app.submit({ name: 'waits' });
    expect(await readyz(app.url)).toMatchObject({
      status: 503,
      ready: false,
      degraded: [expect.any(String)],
      watches: null,
      dispatch: null,
      loops: {},
      queue: { depth: 1, oldestQueuedAt: expect.any(String), active: 0 },
    });
    const { value, series } = await scrape(app.url);
    expect(value('jobspawn_ready')).toBe(0);
    expect(value('jobspawn_queue_depth')).toBe(1);
    expect(value('jobspawn_queue_oldest_age_seconds')).toBeGreaterThanOrEqual(0);
    expect(series.filter((name) => /^jobspawn_(watch|loop)_/.test(name))).toEqual([]);
  } finally {
    await app.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a process that runs by itself also tells of its memory, descriptors and event loop', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-metrics-'));
  const environment = { PORT: '0', CLUSTER: 'local', DATABASE_PATH: join(dir, 'x.db'), LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, ['src/app/main.ts'], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /http:\/\/[^/]+/.exec(line)?.[0];
      if (url === undefined) continue;
      const { value } = await scrape(url);
      expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
      expect(value('process_open_fds')).toBeGreaterThan(5);
      expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
      expect(value('jobspawn_ready')).toBeDefined();
      child.kill();
    }
  } finally {
    child.kill();
    await ended;
    rmSync(dir, { recursive: true, force: true });
  }
  expect(child.exitCode).toBe(0);
  expect.assertions(5);
});
