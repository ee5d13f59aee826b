import type { Releasers } from '../src/app/releasers.ts';
import { nameOfJob, numberIn } from './many-rows.ts';
import { measureLoad } from './measure-load.ts';
import type { Benchmark, FigurePlan, Readings, Settings } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const sizes = { '1k': 1000, '100k': 100_000, '1M': 1_000_000 };
type Size = keyof typeof sizes;
/** As far as it goes in a short run, where a million rows take longer than all else. */
const shortSizes: Size[] = ['1k', '100k'];
const wholeSizes: Size[] = [...shortSizes, '1M'];

/** What people and programs ask. Whatever the number of rows, each finds as much: a full page, and those for a name and a number a single job. */
const questions = {
  page: '/jobs',
  all: '/api/v1/jobs',
  state: '/api/v1/jobs?state=FAILED',
  name: `/api/v1/jobs?name=${encodeURIComponent(nameOfJob(502))}`,
  common: '/api/v1/jobs?q=report',
  'state+q': '/api/v1/jobs?state=FAILED&q=digest',
  rare: `/api/v1/jobs?q=${numberIn(502)}`,
};

export const list: Benchmark = {
  name: 'list',
  about: `the p95 of lists and searches over up to a million jobs, one request at a time, beside itself at 1k`,

  async prepare(settings, releasers) {
    const measured = settings.isShort ? shortSizes : wholeSizes;
    const sides: Record<string, () => Promise<Readings>> = {};
    for (const size of measured) sides[size] = await startSide(sizes[size], { settings, releasers });
    const figures = Object.keys(questions).flatMap((question) =>
      measured.slice(1).map((size) => toFigurePlan(question, size)),
    );
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
  // Enough requests that a p95 does not hang on a handful of them.
  const seconds = settings.seconds / 8;
  return async () => {
    const readings: Record<string, number> = {};
    for (const [question, path] of Object.entries(questions)) {
      const { p50, p95 } = await measureLoad(
        { url: service.url, pid: service.pid() },
        { requests: [{ method: 'GET', path }], connections: 1, seconds, expectedStatus: 200 },
      );
      // Of the few answers of a short turn the slowest ones say more of the machine than of us.
      readings[question] = settings.isShort ? p50 : p95;
    }
    return readings;
  };
}

function toFigurePlan(question: string, size: Size): FigurePlan {
  return {
    name: `list/${question}@${size}`,
    unit: 'ms',
    ours: [size, question],
    baseline: ['1k', question],
    goal: { of: 'ratio', atMost: 1.3 },
  };
}
