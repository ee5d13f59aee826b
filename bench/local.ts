import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { BareProcesses } from './bare-processes.ts';
import { median } from './figures.ts';
import { startLocalService } from './local-service.ts';
import { submitNoOp, timeNoOp } from './no-op-job.ts';
import type { Benchmark } from './plan.ts';
import { runProgram } from './run-program.ts';

const atOnce = 8;
const [inBulk, inShortBulk] = [500, 40];
const inTurn = 5;

export const local: Benchmark = {
  name: 'local',
  about: `jobs that run "true" on the local cluster, one alone and ${inBulk} of them ${atOnce} at once, beside the same processes`,

  async prepare({ isShort }, releasers) {
    const jobs = isShort ? inShortBulk : inBulk;
    const { url, stop } = await startLocalService({ env: { MAX_ACTIVE: String(atOnce) } });
    releasers.push(stop);
    return {
      // A bulk is long enough to warm up by itself.
      warmUp: ['ours', 'direct'],
      sides: {
        ours: async () => ({ ms: await timeInTurn(url) }),
        direct: async () => ({ ms: (await runBare({ count: inTurn, atOnce: 1 })).alone }),
        bulk: async () => ({ ms: (await timeBulk(url, jobs)) / jobs }),
        'direct-bulk': async () => ({ ms: (await runBare({ count: jobs, atOnce })).each }),
      },
      figures: [
        {
          name: 'local',
          unit: 'ms',
          ours: ['ours', 'ms'],
          baseline: ['direct', 'ms'],
          goal: { of: 'ratio', atMost: 1.5 },
        },
        {
          name: 'local/bulk',
          unit: 'ms/job',
          ours: ['bulk', 'ms'],
          baseline: ['direct-bulk', 'ms'],
          goal: { of: 'ratio', atMost: 1.5 },
        },
      ],
    };
  },
};

async function timeInTurn(url: string): Promise<number> {
  const times = [];
  for (let n = 0; n < inTurn; n += 1) times.push(await timeNoOp(url));
  return median(times);
}

/** From the first POST until the event stream has told of the end of each, in ms. */
async function timeBulk(url: string, jobs: number): Promise<number> {
  const [events] = (await once(get(`${url}/api/v1/events`), 'response')) as [IncomingMessage];
  const began = performance.now();
  const ids = new Set(await Promise.all(Array.from({ length: jobs }, () => submitNoOp(url))));
  let rest = '';
  for await (const chunk of events.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (/"state":"(FAILED|LOST)"/.test(line)) throw new Error(`a job did not succeed: ${line}`);
      if (line.includes('"state":"SUCCEEDED"')) ids.delete(/"jobId":"([^"]+)"/.exec(line)?.[1] ?? '');
    }
    if (ids.size === 0) break;
  }
  if (ids.size > 0) throw new Error('the stream of events has ended early');
  return performance.now() - began;
}

const bareTimesSchema = z.object({ alone: z.number(), each: z.number() });

/** On whatever core is free, as the service and its processes. */
async function runBare(order: BareProcesses): Promise<{ alone: number; each: number }> {
  return bareTimesSchema.parse(
    JSON.parse(await runProgram('bench/bare-processes.ts', { order, launcher: [] })),
  );
}
