import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Child = ReturnType<typeof startChild>;

/**
 * A program of this repository in a process of its own, on the same Node, with no environment but the given one. `launcher` is a command
 * that becomes the program which stands behind it, as `taskset -c 0` does.
 */
export function startChild(
  args: readonly string[],
  env: Record<string, string> = {},
  launcher: readonly string[] = [],
) {
  const [command = process.execPath, ...rest] = [...launcher, process.execPath, ...args];
  const child = spawn(command, rest, {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  const errors: string[] = [];
  const first = Promise.withResolvers<string>();
  // Whoever waits for the first line is told; nobody has to.
  first.promise.catch(() => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    first.resolve(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  // `close` comes after the last line was read, `exit` may come before.
  const closed = once(child, 'close').then(() => {
    first.reject(new Error(`it ended before it was ready: ${errors.slice(-5).join('\n')}`));
    return { code: child.exitCode, signal: child.signalCode };
  });

  return {
    pid: child.pid ?? 0,
    /** The first line on stdout. Rejects when the process ends without one. */
    firstLine: first.promise,
    /** Lines of stderr, as they come. */
    errors,
    closed,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async end(signal: 'SIGTERM' | 'SIGKILL') {
      child.kill(signal);
      return closed;
    },
  };
}
