import { cpuMilliseconds } from './cpu-time.ts';
import { loadResultSchema } from './load-client.ts';
import type { LoadOrder } from './load-client.ts';
import { runLoadProgram } from './run-program.ts';

/** Answers a second, the time within which 50, 95 and 99 in 100 of them came (ms), and what one cost the server's processor (us). */
export async function measureLoad(
  { url, pid }: { url: string; pid: number },
  order: Omit<LoadOrder, 'url'>,
): Promise<{ rate: number; p50: number; p95: number; p99: number; cpu: number }> {
  const cpuBefore = cpuMilliseconds(pid);
  const answer = await runLoadProgram('bench/load.ts', { url, ...order });
  const { completed, seconds, p50, p95, p99 } = loadResultSchema.parse(answer);
  const cpu = ((cpuMilliseconds(pid) - cpuBefore) * 1000) / completed;
  return { rate: completed / seconds, p50, p95, p99, cpu };
}
