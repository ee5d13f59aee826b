import type { Releasers } from '../src/app/releasers.ts';
import { numberIn } from './many-rows.ts';
import { measureLoad } from './measure-load.ts';
import type { Benchmark, FigurePlan, Readings, Settings } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const sizes = { '1k': 1000, '100k': 100_000, '1M': 1_000_000 };

/** What people and programs ask. Whatever the number of rows, each finds as much: a full page, and the last one a single job. */
const questions = {
  page: '/jobs',
  all: '/api/v1/jobs',
  state: '/api/v1/jobs?state=FAILED',
  common: '/api/v1/jobs?q=report',
  'state+q': '/api/v1/jobs?state=FAILED&q=digest',
  rare: `/api/v1/jobs?q=${numberIn(502)}`,
};

const figures = Object.keys(questions).flatMap((question) => [
  toFigurePlan(question, '100k'),
  toFigurePlan(question, '1M'),
]);

export const list: Benchmark = {
  name: 'list',
  about: `the p95 of lists and searches over ${Object.keys(sizes).join(', ')} jobs, one request at a time, beside itself at 1k`,

  async prepare(settings, releasers) {
    const sides: Record<string, () => Promise<Readings>> = {};
    for (const [size, rows] of Object.entries(sizes))
      sides[size] = await startSide(rows, { settings, releasers });
    return { sides, figures };
  },
};

async function startSide(
  rows: number,
  { settings, releasers }: { settings: Settings; releasers: Releasers },
): Promise<() => Promise<Readings>> {
  const { service } = await startQuickService({
    settings,
    releasers,
    env: { KEEP_JOBS: String(10 * rows) },
    furnish: async ({ service: { databasePath } }) => settings.databases.copyManyRows(rows, databasePath),
  });
  const seconds = settings.seconds / Object.keys(questions).length;
  return async () => {
    const readings: Record<string, number> = {};
    for (const [question, path] of Object.entries(questions)) {
      const { p95 } = await measureLoad(
        { url: service.url, pid: service.pid() },
        { requests: [{ method: 'GET', path }], connections: 1, seconds, expectedStatus: 200 },
      );
      readings[question] = p95;
    }
    return readings;
  };
}

function toFigurePlan(question: string, size: keyof typeof sizes): FigurePlan {
  return {
    name: `list/${question}@${size}`,
    unit: 'ms',
    ours: [size, question],
    baseline: ['1k', question],
    ...(size === '1M' ? { goal: { of: 'ratio', atMost: 1.3 } } : {}),
  };
}
