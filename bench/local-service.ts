import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../test/faults/child-process.ts';
import { startTimedService } from './timed-service.ts';
import type { Ready, TimedService } from './timed-service.ts';

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
  'helmet',
  'rate-limiter-flexible',
];
const importing = `${packages.map((name) => `await import('${name}');`).join(' ')} console.log('ready'); setInterval(() => {}, 1e9);`;

/** A program that imports what the service imports, and does nothing with it; `env` may hold the flags and the cache of the service. */
export async function startImports(env: Record<string, string> = {}): Promise<Ready> {
  const began = performance.now();
  const child = startChild(['--input-type=module', '-e', importing], env);
  await child.firstLine;
  return {
    pid: child.pid,
    readyMs: performance.now() - began,
    stop: async () => void (await child.end('SIGTERM')),
  };
}

/** The service as `npm start` has it, with an empty database, on its local cluster; ready when `/readyz` says so. */
export async function startLocalService({
  env = {},
  watchLoop = false,
}: { env?: Record<string, string>; watchLoop?: boolean } = {}): Promise<TimedService> {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const place = { CLUSTER: 'local', DATABASE_PATH: join(dir, 'jobspawn.db') };
    const service = await startTimedService({ env: { ...place, ...env }, watchLoop });
    return { ...service, stop: () => service.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Resident memory in MB; from /proc, or NaN where there is none. */
export function residentMegabytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes) / 1024;
  } catch {
    return Number.NaN;
  }
}
