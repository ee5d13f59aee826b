import { rmSync } from 'node:fs';
import type { Releasers } from '../src/app/releasers.ts';
import { toListed } from './live-jobs.ts';
import type { FigurePlan, Readings, Settings } from './plan.ts';
import { startTimedService } from './timed-service.ts';
import type { TimedService } from './timed-service.ts';
import { startTlsApi } from './tls-api.ts';

const rows = 1_000_000;
const liveJobs = 5000;
const goalMs = 3000;

/** The first turns of all loops come with the start, and are over by then. */
const restMs = 500;

/** The start of a service that has something to find: in its database, or in its cluster. */
export async function prepareLoadedStarts(
  { databases }: Settings,
  releasers: Releasers,
): Promise<Record<string, () => Promise<Readings>>> {
  const empty = await startTlsApi();
  releasers.push(() => empty.close());
  const manyRows = databases.newPath();
  databases.copyManyRows(rows, manyRows);
  releasers.push(() => rmSync(manyRows));

  const { jobs, copyTo } = await databases.prepareLiveJobs(liveJobs);
  const busy = await startTlsApi({ listed: toListed(jobs) });
  releasers.push(() => busy.close());
  const startOn = (kubeconfigPath: string, databasePath: string) =>
    startTimedService({
      env: {
        CLUSTER: 'kubeconfig',
        KUBECONFIG: kubeconfigPath,
        DATABASE_PATH: databasePath,
        KEEP_JOBS: String(10 * rows),
      },
      watchLoop: true,
    });
  return {
    '1M': () => readStart(startOn(empty.kubeconfigPath, manyRows)),
    // The Jobs have gone on since the service last looked: all that it finds of them is news.
    live: async () => {
      const path = databases.newPath();
      copyTo(path);
      try {
        return await readStart(startOn(busy.kubeconfigPath, path));
      } finally {
        rmSync(path);
      }
    },
  };
}

export const loadedStartFigures: FigurePlan[] = ['1M', 'live'].flatMap((side): FigurePlan[] => [
  { name: `start/${side}`, unit: 'ms', ours: [side, 'ms'], goal: { of: 'ours', atMost: goalMs } },
  toBlockedFigure(`start/${side}/blocked`, side),
]);

export function toBlockedFigure(name: string, side: string): FigurePlan {
  return { name, unit: 'ms', ours: [side, 'blocked'], goal: { of: 'ours', atMost: 50 } };
}

export async function readStart(starting: Promise<TimedService>): Promise<Readings> {
  const { readyMs, stop, longestHold } = await starting;
  await new Promise((resolve) => setTimeout(resolve, restMs));
  await stop();
  return { ms: readyMs, blocked: longestHold() };
}
