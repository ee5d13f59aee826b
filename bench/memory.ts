import { setTimeout as delay } from 'node:timers/promises';
import { residentMegabytes, startImports, startLocalService } from './local-service.ts';
import { loadedMemoryFigures, prepareLoadedMemory } from './memory-loaded.ts';
import type { Benchmark, FigurePlan, Readings } from './plan.ts';
import { startEnv, startFlags } from './timed-service.ts';
import type { Ready } from './timed-service.ts';

/** What a start leaves behind is gone by then. */
const restMs = 1000;

export const memory: Benchmark = {
  name: 'memory',
  about: `resident memory of the idle service, ${restMs / 1000} s after it was ready, beside a program that only imports the packages; with many live jobs; after many jobs`,

  prepare: async (settings, releasers) => ({
    sides: {
      ours: () => weigh(startLocalService()),
      imports: () => weigh(startImports()),
      ...(settings.isShort
        ? {}
        : { cached: () => weigh(startImports({ ...startEnv, NODE_OPTIONS: startFlags.join(' ') })) }),
    },
    once: settings.isShort ? {} : prepareLoadedMemory(settings, releasers),
    figures: [
      {
        name: 'memory',
        unit: 'MB',
        ours: ['ours', 'megabytes'],
        baseline: ['imports', 'megabytes'],
        goal: { of: 'ratio', atMost: 1.3 },
      },
      ...(settings.isShort ? [] : [cachedFigure, ...loadedMemoryFigures]),
    ],
  }),
};

const cachedFigure: FigurePlan = {
  name: 'memory/cached',
  unit: 'MB',
  ours: ['ours', 'megabytes'],
  baseline: ['cached', 'megabytes'],
};

async function weigh(starting: Promise<Ready>): Promise<Readings> {
  const { pid, stop } = await starting;
  try {
    await delay(restMs);
    return { megabytes: residentMegabytes(pid) };
  } finally {
    await stop();
  }
}
