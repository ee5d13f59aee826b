import { z } from 'zod';
import type { QuickRig } from '../test/faults/quick-rig.ts';
import { startBareServer } from './bare-server.ts';
import { acceptRequest as request } from './accept-request.ts';
import { measureLoad } from './measure-load.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const { path } = request;
const connections = 50;
/** The very same service, but for this: requests that come together do not share their wait for the disk. */
const oneTransaction = [
  { file: 'src/store/writes.ts', find: 'const groupLimit = 100;', replace: 'const groupLimit = 1;' },
];

export const accept: Benchmark = {
  name: 'accept',
  about: `durable POST ${path} by ${connections} connections, beside bare Express and beside one transaction for each`,

  async prepare(settings, releasers) {
    const ours = await startQuickService({ settings, releasers });
    const answer = await submit(ours.service.url);
    const bare = await startBareServer({ schema: 'accept', path, status: 202, answer }, releasers);
    const alone = await startQuickService({ settings, releasers, edits: oneTransaction });

    const order = { requests: [request], connections, seconds: settings.seconds, expectedStatus: 202 };
    const measure = (rig: QuickRig) => measureLoad({ url: rig.service.url, pid: rig.service.pid() }, order);
    return {
      sides: {
        ours: () => measure(ours),
        bare: () => measureLoad(bare, order),
        alone: () => measure(alone),
      },
      figures: [
        {
          name: 'accept',
          unit: 'requests/s',
          ours: ['ours', 'rate'],
          baseline: ['bare', 'rate'],
          goal: { of: 'ratio', atLeast: 0.6 },
        },
        {
          name: 'accept/one-transaction',
          unit: 'requests/s',
          ours: ['ours', 'rate'],
          baseline: ['alone', 'rate'],
          goal: { of: 'ratio', atLeast: 3 },
        },
        {
          name: 'accept/p99',
          unit: 'ms',
          ours: ['ours', 'p99'],
          baseline: ['bare', 'p99'],
          goal: { of: 'ours', atMost: 50 },
        },
        { name: 'accept/cpu', unit: 'us/request', ours: ['ours', 'cpu'], baseline: ['bare', 'cpu'] },
      ],
    };
  },
};

/** What our service answers, for the other side to answer the same. */
async function submit(url: string) {
  const answer = await fetch(url + path, { method: 'POST', headers: request.headers, body: request.body });
  if (answer.status !== 202) throw new Error(`the service does not accept: ${answer.status}`);
  return z.json().parse(await answer.json());
}
