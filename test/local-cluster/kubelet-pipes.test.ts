import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openPipeStock } from '../../src/local-cluster/kubelet/pipe-stock.ts';
import type { OutputPipes, PipeStock } from '../../src/local-cluster/kubelet/pipe-stock.ts';

let directory: string;
let pipes: PipeStock;
let taken: OutputPipes[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-pipes-'));
  pipes = openPipeStock(directory);
  taken = [];
});
afterEach(async () => {
  await pipes.close();
  expect(existsSync(directory)).toBe(false);
  for (const { readers, writers } of taken) {
    for (const end of [...Object.values(readers), ...Object.values(writers)]) closeSync(end);
  }
});

async function take(): Promise<OutputPipes> {
  const both = await pipes.take();
  taken.push(both);
  return both;
}

function readAll(reader: number): string {
  const buffer = Buffer.alloc(64);
  return buffer.toString('utf8', 0, readSync(reader, buffer));
}

describe('the stock of pipes', () => {
  test('gives each taker pipes of its own, however many there are', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, take));
    for (const [n, { writers }] of all.entries()) {
      writeSync(writers.stdout, `out ${n}`);
      writeSync(writers.stderr, `err ${n}`);
    }
    const read = all.map(({ readers }) => [readAll(readers.stdout), readAll(readers.stderr)]);
    expect(read).toEqual(all.map((_both, n) => [`out ${n}`, `err ${n}`]));
  });

  test('leaves no name of a pipe that was taken', async () => {
    await take();
    const before = readdirSync(directory).length;
    await take();
    expect(readdirSync(directory)).toHaveLength(before - 2);
  });

  test('says that it cannot make any, and makes them once it can', async () => {
    rmSync(directory, { recursive: true });
    await expect(take()).rejects.toThrow('mkfifo');
    mkdirSync(directory);
    await take();
    expect(taken).toHaveLength(1);
  });
});
