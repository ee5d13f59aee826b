import type { Releasers } from '../src/app/releasers.ts';
import { startImports, startLocalService } from './local-service.ts';
import type { Benchmark, FigurePlan, Plan, Readings, Settings } from './plan.ts';
import { loadedStartFigures, prepareLoadedStarts, readStart, toBlockedFigure } from './start-loaded.ts';
import { startEnv, startFlags } from './timed-service.ts';
import type { Ready } from './timed-service.ts';

export const start: Benchmark = {
  name: 'start',
  about:
    'from nothing to the first 200 of /readyz: empty, beside a program that only imports the packages; with many rows; with many live Jobs',

  prepare: async (settings, releasers) => ({
    // The files and the compiled code are in their caches after these.
    warmUp: ['ours', 'imports', 'cached'],
    sides: {
      ours: () => timeStart(startLocalService()),
      imports: () => timeStart(startImports()),
      ...(settings.isShort ? {} : await prepareLongSides(settings, releasers)),
    },
    figures: [
      {
        name: 'start',
        unit: 'ms',
        ours: ['ours', 'ms'],
        baseline: ['imports', 'ms'],
        goal: { of: 'ratio', atMost: 1.5 },
      },
      ...(settings.isShort ? [] : longFigures),
    ],
  }),
};

const longFigures: FigurePlan[] = [
  // The harder one to stand beside: with the compiled code kept, as ours is.
  { name: 'start/cached', unit: 'ms', ours: ['ours', 'ms'], baseline: ['cached', 'ms'] },
  toBlockedFigure('start/blocked', 'watched'),
  ...loadedStartFigures,
];

async function prepareLongSides(settings: Settings, releasers: Releasers): Promise<Plan['sides']> {
  return {
    cached: () => timeStart(startImports({ ...startEnv, NODE_OPTIONS: startFlags.join(' ') })),
    // By itself, so that nothing that watches is in the time of a start.
    watched: () => readStart(startLocalService({ watchLoop: true })),
    ...(await prepareLoadedStarts(settings, releasers)),
  };
}

async function timeStart(starting: Promise<Ready>): Promise<Readings> {
  const { readyMs, stop } = await starting;
  await stop();
  return { ms: readyMs };
}
