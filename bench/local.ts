import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { startLocalService } from './local-service.ts';
import { median } from './figures.ts';
import { submitNoOp, timeNoOp, timeTrue } from './no-op-job.ts';
import type { Benchmark } from './plan.ts';

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
      sides: {
        ours: async () => {
          const alone = [];
          for (let n = 0; n < inTurn; n += 1) alone.push(await timeNoOp(url));
          return { alone: median(alone), bulk: (await timeBulk(url, jobs)) / jobs };
        },
        direct: async () => {
          const alone = [];
          for (let n = 0; n < inTurn; n += 1) alone.push(await timeTrue());
          return { alone: median(alone), bulk: (await timeDirectBulk(jobs)) / jobs };
        },
      },
      figures: [
        {
          name: 'local',
          unit: 'ms',
          ours: ['ours', 'alone'],
          baseline: ['direct', 'alone'],
          goal: { of: 'ratio', atMost: 1.5 },
        },
        {
          name: 'local/bulk',
          unit: 'ms/job',
          ours: ['ours', 'bulk'],
          baseline: ['direct', 'bulk'],
          goal: { of: 'ratio', atMost: 1.5 },
        },
      ],
    };
  },
};

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

async function timeDirectBulk(jobs: number): Promise<number> {
  const began = performance.now();
  let left = jobs;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await timeTrue();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return performance.now() - began;
}
