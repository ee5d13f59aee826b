import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Bounds what a running process may do from now on, by `prlimit` of util-linux; the hard limit stays, so that it can be raised again. */
export async function limitProcess(
  pid: number,
  limit: 'fsize' | 'nofile',
  most: number | 'unlimited',
): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--${limit}=${most}:`]);
}
