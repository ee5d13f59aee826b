import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/job-worker/main.ts', import.meta.url));

export type Ended = { code: number | null; stdout: Buffer; stderr: string };

/** The worker as a pod starts it: a process with no environment but the given one. */
export function startWorker(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  const ended: Promise<Ended> = Promise.all([exited, buffer(child.stdout), buffer(child.stderr)]).then(
    ([code, stdout, stderr]) => ({ code, stdout, stderr: stderr.toString() }),
  );
  return { ended, kill: (signal: NodeJS.Signals) => child.kill(signal) };
}

export function runWorker(args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  return startWorker(args, env).ended;
}

/** The environment in which Node runs this code, a module, before the worker's own. */
export function preload(code: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

/** The variables that Jobspawn gives to every container. */
export function environmentFor(url: string): Record<string, string> {
  return {
    JOBSPAWN_JOB_ID: 'nightly-1',
    JOBSPAWN_STATUS_URL: `${url}/status?job-id=nightly-1&token=secret-token-123`,
    JOBSPAWN_TOKEN: 'secret-token-123',
    JOBSPAWN_POD_UID: '0b0bb0a6-7a44-4c4c-9a55-0a8c1a3f9d10',
    JOBSPAWN_POD_NAME: 'nightly-1-0-abcde',
    CLOUD_RUN_TASK_INDEX: '2',
    CLOUD_RUN_TASK_COUNT: '3',
  };
}
