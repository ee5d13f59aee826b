import { startEnv, startFlags, startImports, startLocalService } from './local-service.ts';
import type { Ready } from './local-service.ts';
import type { Benchmark, Readings } from './plan.ts';

export const start: Benchmark = {
  name: 'start',
  about:
    'from nothing to the first 200 of /readyz, with an empty database, beside a program that only imports the packages',

  prepare: async () => ({
    sides: {
      ours: () => timeStart(startLocalService()),
      imports: () => timeStart(startImports()),
      cached: () => timeStart(startImports({ ...startEnv, NODE_OPTIONS: startFlags.join(' ') })),
    },
    figures: [
      {
        name: 'start',
        unit: 'ms',
        ours: ['ours', 'ms'],
        baseline: ['imports', 'ms'],
        goal: { of: 'ratio', atMost: 1.5 },
      },
      // The harder one to stand beside: with the compiled code kept, as ours is.
      { name: 'start/cached', unit: 'ms', ours: ['ours', 'ms'], baseline: ['cached', 'ms'] },
    ],
  }),
};

async function timeStart(starting: Promise<Ready>): Promise<Readings> {
  const { readyMs, stop } = await starting;
  await stop();
  return { ms: readyMs };
}
