import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../test/faults/child-process.ts';
import { findFreePort } from '../test/faults/free-port.ts';
import { until } from '../test/support/until.ts';

/** As `npm start` has them. */
export const startFlags = ['--max-semi-space-size=8'];
export const startEnv = { NODE_COMPILE_CACHE: 'node_modules/.cache/jobspawn' };

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

/** A program that has come so far that it is of use, and how long that took. */
export type Ready = { pid: number; readyMs: number; stop: () => Promise<void> };

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
export async function startLocalService(env: Record<string, string> = {}): Promise<Ready & { url: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const child = startChild([...startFlags, 'src/app/main.ts'], {
    ...startEnv,
    PORT: String(port),
    CLUSTER: 'local',
    DATABASE_PATH: join(dir, 'jobspawn.db'),
    LOG_LEVEL: 'warn',
    ...env,
  });
  const stop = async () => {
    await child.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await until(
      async () => {
        if (child.hasEnded()) throw new Error(`the service ended: ${child.errors.slice(-5).join('\n')}`);
        return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200;
      },
      { everyMs: 2 },
    );
    return { url, pid: child.pid, readyMs: performance.now() - began, stop };
  } catch (error) {
    await stop();
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
