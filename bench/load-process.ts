import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { cpuMilliseconds } from './cpu-time.ts';
import { loadResultSchema } from './load-client.ts';
import type { LoadOrder, LoadResult } from './load-client.ts';
import { launchers } from './machine.ts';

/** Loads a server from a process and a core of its own. */
async function loadServer(order: LoadOrder): Promise<LoadResult> {
  const [command, ...args] = [...launchers.load, process.execPath, 'bench/load.ts'];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(order));
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`the load on ${order.url} broke off`);
  return loadResultSchema.parse(JSON.parse(said));
}

/** Answers a second, the time that 99 in 100 of them took (ms), and what one cost the server's processor (us). */
export async function measureLoad(
  { url, pid }: { url: string; pid: number },
  order: Omit<LoadOrder, 'url'>,
): Promise<{ rate: number; p99: number; cpu: number }> {
  const cpuBefore = cpuMilliseconds(pid);
  const { completed, seconds, p99 } = await loadServer({ url, ...order });
  const cpu = ((cpuMilliseconds(pid) - cpuBefore) * 1000) / completed;
  return { rate: completed / seconds, p99, cpu };
}
