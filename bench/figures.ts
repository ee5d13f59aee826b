import type { FigurePlan, Goal, Readings } from './plan.ts';

/** One line of the result. `spread`: the lowest and highest ratio of a round or, without a baseline, of our own readings. */
export type Figure = {
  name: string;
  unit: string;
  ours: number;
  baseline: number | null;
  ratio: number | null;
  spread: { low: number; high: number };
  goal: Goal | null;
  met: boolean | null;
};

/** What each side read, one entry for each round. */
export type Samples = Readonly<Record<string, readonly Readings[]>>;

/**
 * Medians of all rounds. The ratio is the median of the ratios within each round: what slows the machine down for some seconds slows both
 * sides of a round, and so leaves it as it is.
 */
export function toFigure(plan: FigurePlan, samples: Samples): Figure {
  const { name, unit, goal = null } = plan;
  const ours = pick(samples, plan.ours);
  const baselines = plan.baseline === undefined ? null : pick(samples, plan.baseline);
  const ratios = baselines?.map((baseline, round) => (ours[round] ?? Number.NaN) / baseline) ?? null;
  const ratio = ratios === null ? null : median(ratios);
  const spreading = ratios ?? ours;
  return {
    name,
    unit,
    ours: median(ours),
    baseline: baselines === null ? null : median(baselines),
    ratio,
    spread: { low: Math.min(...spreading), high: Math.max(...spreading) },
    goal,
    met: goal === null ? null : isMet(goal, { ours: median(ours), ratio }),
  };
}

function pick(samples: Samples, [side, quantity]: FigurePlan['ours']): number[] {
  return (samples[side] ?? []).map((readings) => {
    const reading = readings[quantity];
    if (reading === undefined) throw new Error(`${side} did not read ${quantity}`);
    return reading;
  });
}

function isMet(goal: Goal, figure: { ours: number; ratio: number | null }): boolean {
  const value = figure[goal.of];
  if (value === null) throw new Error('a goal for a ratio needs a baseline');
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** Of an even number of values the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The smallest value that so large a share (0.99: p99) of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
