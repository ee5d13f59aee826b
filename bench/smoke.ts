/**
 * `npm run bench:smoke`: start time and idle memory beside what importing the same packages takes, and the time from POST to a
 * finished `true` job on the local cluster. Prints numbers and judges nothing; medians of several runs, each in a process of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { median } from './figures.ts';
import { residentMegabytes, startImports, startLocalService } from './local-service.ts';
import { timeNoOp, timeTrue } from './no-op-job.ts';

const runs = Number(process.argv[2] ?? 5);

async function measureImports(): Promise<{ readyMs: number; rss: number }> {
  const { pid, readyMs, stop } = await startImports();
  await delay(1000);
  const rss = residentMegabytes(pid);
  await stop();
  return { readyMs, rss };
}

async function measureService(): Promise<{
  readyMs: number;
  rss: number;
  jobMs: number[];
  workMs: number[];
}> {
  const { url, pid, readyMs, stop } = await startLocalService();
  await delay(1000);
  const rss = residentMegabytes(pid);
  const jobMs: number[] = [];
  for (let run = 0; run < 10; run += 1) jobMs.push(await timeNoOp(url));
  const workMs: number[] = [];
  for (let run = 0; run < 10; run += 1) workMs.push(await timeTrue());
  await stop();
  return { readyMs, rss, jobMs, workMs };
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
