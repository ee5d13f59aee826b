import { setTimeout as delay } from 'node:timers/promises';
import type { Releasers } from '../src/app/releasers.ts';
import { startJobsThrough } from './jobs-through.ts';
import { toListed } from './live-jobs.ts';
import { residentMegabytes } from './local-service.ts';
import type { FigurePlan, Plan, Readings, Settings } from './plan.ts';
import { startTimedService } from './timed-service.ts';
import { startTlsApi } from './tls-api.ts';

const liveJobs = 10_000;
/** Unless their number is said, so many turns of the usual length are taken of jobs that go through: 16 s. */
const turns = 8;
const inOnePush = 500;
const restMs = 2000;

/** The memory of a service that has something to do. */
export function prepareLoadedMemory(settings: Settings, releasers: Releasers): Plan['sides'] {
  return {
    live: () => weighLive(settings),
    through: () => weighThrough(settings, releasers),
  };
}

export const loadedMemoryFigures: FigurePlan[] = [
  { name: 'memory/live', unit: 'MB', ours: ['live', 'megabytes'], baseline: ['through', 'idle'] },
  {
    name: 'memory/after',
    unit: 'MB',
    ours: ['through', 'after'],
    baseline: ['through', 'idle'],
    goal: { of: 'ratio', atMost: 1.1 },
  },
  // What a service holds once it has begun to work is not idle's; what it goes on to take would be a leak.
  {
    name: 'memory/after/half',
    unit: 'MB',
    ours: ['through', 'after'],
    baseline: ['through', 'half'],
    goal: { of: 'ratio', atMost: 1.1 },
  },
  { name: 'memory/after/jobs', unit: 'jobs', ours: ['through', 'jobs'] },
];

/** As after a restart in the middle of the work. */
async function weighLive({ databases }: Settings): Promise<Readings> {
  const { jobs, copyTo } = await databases.prepareLiveJobs(liveJobs);
  const path = databases.newPath();
  copyTo(path);
  const api = await startTlsApi({ listed: toListed(jobs) });
  try {
    const env = { CLUSTER: 'kubeconfig', KUBECONFIG: api.kubeconfigPath, DATABASE_PATH: path };
    const service = await startTimedService({ env });
    await delay(restMs);
    const megabytes = residentMegabytes(service.pid);
    await service.stop();
    return { megabytes };
  } finally {
    await api.close();
  }
}

/** Idle, half-way and in the end, of one process. Nobody reports, since reports are not what is many here. */
async function weighThrough(settings: Settings, releasers: Releasers): Promise<Readings> {
  const through = await startJobsThrough({ settings, releasers, says: { begins: [], ends: [] } });
  const weigh = async () => {
    await delay(restMs);
    return residentMegabytes(through.service.pid);
  };
  const idle = await weigh();
  const weighed: { jobs: number; megabytes: number }[] = [];
  const end = performance.now() + turns * settings.seconds * 1000;
  let jobs = 0;
  while (settings.jobs === undefined ? performance.now() < end : jobs < settings.jobs) {
    await through.push(inOnePush, inOnePush);
    jobs += inOnePush;
    weighed.push({ jobs, megabytes: residentMegabytes(through.service.pid) });
  }
  const half = weighed.find((one) => one.jobs >= jobs / 2)?.megabytes ?? Number.NaN;
  return { idle, half, after: await weigh(), jobs };
}
