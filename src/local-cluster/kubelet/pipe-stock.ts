import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Both ends of two pipes, as descriptors. */
export type OutputPipes = Record<'readers' | 'writers', { stdout: number; stderr: number }>;

/** Pipes for the output of containers. */
export type PipeStock = {
  /** Whoever takes them closes them. Throws when none can be made. */
  take: () => Promise<OutputPipes>;
  /** Resolves when none is left, and none is being made. */
  close: () => Promise<void>;
};

const inBatch = 64;
const lowMark = 16;

const run = promisify(execFile);

/**
 * What Node gives a child are sockets, which cannot be opened again as /dev/stdout, and it can make no pipes. `mkfifo` can, at the
 * price of a process: so they are made in batches, ahead of need. Each is used once, and has no name any more once it is open.
 */
export function openPipeStock(directory: string): PipeStock {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const paths: string[] = [];
  let made = 0;
  let making: Promise<void> | undefined;

  async function makeBatch(): Promise<void> {
    const batch = Array.from({ length: inBatch }, (_none, n) => join(directory, String(made + n)));
    made += inBatch;
    await run('/bin/sh', ['-c', 'command -p mkfifo -m 600 "$@"', 'sh', ...batch], { env: {} });
    paths.push(...batch);
  }

  function make(): Promise<void> {
    making ??= makeBatch().finally(() => (making = undefined));
    return making;
  }

  async function takePath(): Promise<string> {
    for (;;) {
      const path = paths.pop();
      if (path !== undefined) return path;
      await make();
    }
  }

  return {
    async take() {
      const both = [await takePath(), await takePath()] as const;
      // Whoever finds the stock empty is told why.
      if (paths.length < lowMark) make().catch(() => {});
      const opened: number[] = [];
      try {
        const [stdout, stderr] = [open(both[0], opened), open(both[1], opened)];
        return {
          readers: { stdout: stdout.reader, stderr: stderr.reader },
          writers: { stdout: stdout.writer, stderr: stderr.writer },
        };
      } catch (error) {
        opened.forEach((descriptor) => closeSync(descriptor));
        throw error;
      }
    },
    async close() {
      await making?.catch(() => {});
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The reader first, since a writer waits for one. */
function open(path: string, opened: number[]): { reader: number; writer: number } {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  opened.push(reader);
  const writer = openSync(path, constants.O_WRONLY);
  opened.push(writer);
  rmSync(path);
  return { reader, writer };
}
