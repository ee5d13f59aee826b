import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { loadResultSchema } from './load-client.ts';
import type { LoadOrder, LoadResult } from './load-client.ts';
import { launchers } from './machine.ts';

/** Loads a server from a process and a core of its own. */
export async function loadServer(order: LoadOrder): Promise<LoadResult> {
  const [command, ...args] = [...launchers.load, process.execPath, 'bench/load.ts'];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(order));
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`the load on ${order.url} broke off`);
  return loadResultSchema.parse(JSON.parse(said));
}
