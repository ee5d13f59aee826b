/**
 * `npm run demo`: the whole service on free ports and temporary data, a few jobs of every fate, their life as a live table,
 * a summary, exit code 0 when each ended as it was meant to.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jobSchema } from '../core/job.ts';
import type { Job } from '../core/job.ts';
import { isFinal } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import { parseConfig } from './config.ts';
import { startApp } from './start-app.ts';
import { drawJobs } from './demo-table.ts';

type Part = { request: Record<string, unknown>; expected: JobState };

/** Fails until its marker is there: the first run leaves it behind, the retry finds it. */
const failsOnce =
  'if [ -e "$MARKER" ]; then echo second try; else touch "$MARKER"; echo first try >&2; exit 1; fi';

const programme = (dir: string): Part[] => [
  {
    request: { name: 'succeeds', args: ['simulate', '--duration', '4s', '--error-rate', '0'] },
    expected: 'SUCCEEDED',
  },
  {
    request: { name: 'fails', args: ['simulate', '--duration', '3s', '--error-rate', '1'] },
    expected: 'FAILED',
  },
  {
    request: {
      name: 'fails, then succeeds',
      args: ['exec', '--', 'sh', '-c', failsOnce],
      env: { MARKER: join(dir, 'marker') },
      backoffLimit: 2,
    },
    expected: 'SUCCEEDED',
  },
  {
    request: {
      name: 'ten tasks, two at a time',
      args: ['simulate', '--duration', '1s', '--error-rate', '0'],
      completions: 10,
      parallelism: 2,
      backoffLimit: 5,
      completionMode: 'Indexed',
    },
    expected: 'SUCCEEDED',
  },
  {
    request: { name: 'no such image', image: 'registry.invalid/nothing', activeDeadlineSeconds: 6 },
    expected: 'FAILED',
  },
];

const dir = mkdtempSync(join(tmpdir(), 'jobspawn-demo-'));
const app = await startApp(
  parseConfig({ PORT: '0', CLUSTER: 'local', DATABASE_PATH: join(dir, 'jobspawn.db'), LOG_LEVEL: 'warn' }),
);
try {
  console.log(`Jobspawn runs at ${app.url}/jobs while this lasts.\n`);
  const parts = programme(dir);
  const ids: string[] = [];
  for (const { request } of parts) ids.push((await submit(request)).id);
  const jobs = await watchUntilDone(ids);
  const surprises = jobs.filter((job, index) => job.state !== parts[index]?.expected);
  const pods = jobs.flatMap((job) => job.tasks).flatMap((task) => task.attempts).length;
  console.log(`\n${jobs.length} jobs, ${pods} pods, ${surprises.length} surprises.`);
  for (const job of surprises)
    console.error(`${job.name}: ${job.state}, ${job.explanation ?? 'for no known reason'}`);
  process.exitCode = surprises.length === 0 ? 0 : 1;
} finally {
  await app.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function submit(request: Record<string, unknown>): Promise<Job> {
  return askJob('/api/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
}

async function watchUntilDone(ids: string[]): Promise<Job[]> {
  const draw = drawJobs(process.stdout);
  for (;;) {
    const jobs = await Promise.all(ids.map((id) => askJob(`/api/v1/jobs/${id}`)));
    draw(jobs);
    if (jobs.every((job) => isFinal(job.state))) return jobs;
    await delay(200);
  }
}

async function askJob(path: string, init?: RequestInit): Promise<Job> {
  const answer = await fetch(app.url + path, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return jobSchema.parse(await answer.json());
}
