import { createReleasers } from '../src/app/releasers.ts';
import { toTable } from './figure-table.ts';
import { toFigure } from './figures.ts';
import type { Figure } from './figures.ts';
import { describeMachine } from './machine.ts';
import type { Benchmark, Settings } from './plan.ts';
import { createPreparedDatabases } from './prepared-databases.ts';
import { measureOnce, measureRounds } from './rounds.ts';

type Run = Omit<Settings, 'databases'> & { rounds: number };

/** One after the other, and a table of each as soon as it is there. */
export async function runBenchmarks(
  benchmarks: readonly Benchmark[],
  { rounds, ...run }: Run,
): Promise<Figure[]> {
  const releasers = createReleasers();
  const figures: Figure[] = [];
  try {
    const settings = { ...run, databases: createPreparedDatabases(releasers) };
    for (const line of describeMachine()) console.log(line);
    for (const benchmark of benchmarks) {
      console.log(`\n${benchmark.name}: ${benchmark.about}`);
      const measured = await measure(benchmark, { settings, rounds });
      console.log(toTable(measured));
      figures.push(...measured);
    }
  } finally {
    await releasers.releaseAll();
  }
  return figures;
}

async function measure(
  { prepare }: Benchmark,
  { settings, rounds }: { settings: Settings; rounds: number },
): Promise<Figure[]> {
  const releasers = createReleasers();
  try {
    const plan = await prepare(settings, releasers);
    const samples = { ...(await measureRounds(plan, rounds)), ...(await measureOnce(plan.once ?? {})) };
    return plan.figures.map((figure) => toFigure(figure, samples));
  } finally {
    await releasers.releaseAll();
  }
}
