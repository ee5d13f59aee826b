/**
 * What stands beside the local cluster: the same processes, spawned by a program that does nothing else. A small one, since what a process
 * holds is in the time of its `fork`. An order as JSON on stdin; on stdout as JSON the time of one process, and that of all of them divided
 * by their number, in ms.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { median } from './figures.ts';

const orderSchema = z.strictObject({ count: z.int(), atOnce: z.int() });
export type BareProcesses = z.output<typeof orderSchema>;

const { count, atOnce } = orderSchema.parse(await json(process.stdin));
const times: number[] = [];

async function runTrue(): Promise<number> {
  const began = performance.now();
  await once(spawn('true'), 'exit');
  return performance.now() - began;
}

let left = count;
async function work(): Promise<void> {
  while (left > 0) {
    left -= 1;
    times.push(await runTrue());
  }
}

// The first one loads what it takes.
await runTrue();
const began = performance.now();
await Promise.all(Array.from({ length: atOnce }, work));
const each = (performance.now() - began) / count;
console.log(JSON.stringify({ alone: median(times), each }));
