/**
 * `npm run bench:smoke`: start time and idle memory beside what importing the same packages takes, and the time from POST to a
 * finished `true` job on the local cluster. Prints numbers and judges nothing; medians of several runs, each in a process of its own.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const runs = Number(process.argv[2] ?? 5);

/** As `npm start` has them. */
const startFlags = ['--max-semi-space-size=4'];
const startEnv = { NODE_COMPILE_CACHE: 'node_modules/.cache/jobspawn' };

/** The packages that the service loads at its start. */
const packages = [
  'express',
  '@kubernetes/client-node',
  'ejs',
  'better-sqlite3',
  'zod',
  'pino',
  'ulid',
  'undici',
  'js-yaml',
  'fast-json-patch',
  'p-retry',
  'prom-client',
];
const importing = `${packages.map((name) => `await import('${name}');`).join(' ')} console.log('ready'); setInterval(() => {}, 1e9);`;

type Started = { child: ChildProcess; readyMs: number; line: string };

async function start(
  args: string[],
  env: Record<string, string>,
  isReady: (line: string) => boolean,
): Promise<Started> {
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (isReady(line)) return { child, readyMs: performance.now() - began, line };
  }
  throw new Error('it ended before it was ready');
}

async function stop({ child }: Started): Promise<void> {
  child.kill();
  await once(child, 'exit');
}

/** Resident memory in MB, from /proc where there is one. */
function residentMegabytes(pid: number | undefined): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

async function measureImports(): Promise<{ readyMs: number; rss: number }> {
  const started = await start(['--input-type=module', '-e', importing], {}, (line) => line === 'ready');
  await delay(1000);
  const rss = residentMegabytes(started.child.pid);
  await stop(started);
  return { readyMs: started.readyMs, rss };
}

async function measureService(): Promise<{
  readyMs: number;
  rss: number;
  jobMs: number[];
  workMs: number[];
}> {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const env = {
    ...startEnv,
    PORT: '0',
    CLUSTER: 'local',
    DATABASE_PATH: join(dir, 'jobspawn.db'),
    LOG_LEVEL: 'warn',
  };
  const started = await start([...startFlags, 'src/app/main.ts'], env, (line) =>
    line.startsWith('Jobspawn is ready'),
  );
  const url = /http:\/\/[^/]+/.exec(started.line)?.[0] ?? '';
  await delay(1000);
  const rss = residentMegabytes(started.child.pid);
  const jobMs: number[] = [];
  for (let run = 0; run < 10; run += 1) jobMs.push(await timeJob(url, ['true']));
  const workMs: number[] = [];
  for (let run = 0; run < 10; run += 1) workMs.push(await timeProcess());
  await stop(started);
  rmSync(dir, { recursive: true, force: true });
  return { readyMs: started.readyMs, rss, jobMs, workMs };
}

/** From POST to the event that says it succeeded, in ms, as a client of the event stream sees it. */
async function timeJob(url: string, command: string[]): Promise<number> {
  const began = performance.now();
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', command }),
  });
  const stream = await fetch(`${url}${answer.headers.get('location')}/events?follow=true`, {
    headers: { accept: 'text/event-stream' },
  });
  let text = '';
  for await (const chunk of stream.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/"state":"(SUCCEEDED|FAILED|LOST)"/.test(text)) break;
  }
  if (!text.includes('"SUCCEEDED"')) throw new Error(`a true job did not succeed: ${text}`);
  return performance.now() - began;
}

async function timeProcess(): Promise<number> {
  const began = performance.now();
  await once(spawn('true'), 'exit');
  return performance.now() - began;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const imports = [];
const services = [];
for (let run = 0; run < runs; run += 1) {
  imports.push(await measureImports());
  services.push(await measureService());
}
const figures = {
  'ready to serve (ms)': median(services.map(({ readyMs }) => readyMs)),
  'importing the same packages (ms)': median(imports.map(({ readyMs }) => readyMs)),
  'idle memory (MB)': median(services.map(({ rss }) => rss)),
  'importing the same packages (MB)': median(imports.map(({ rss }) => rss)),
  'POST to SUCCEEDED for `true` (ms)': median(services.flatMap(({ jobMs }) => jobMs)),
  '`true` alone (ms)': median(services.flatMap(({ workMs }) => workMs)),
};
for (const [name, value] of Object.entries(figures))
  console.log(`${name.padEnd(36)} ${value.toFixed(1).padStart(8)}`);
console.log(
  `start ratio ${(figures['ready to serve (ms)'] / figures['importing the same packages (ms)']).toFixed(2)}, memory ratio ${(figures['idle memory (MB)'] / figures['importing the same packages (MB)']).toFixed(2)}`,
);
