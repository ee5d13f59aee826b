import { toShort } from './figure-table.ts';
import type { Figure } from './figures.ts';
import type { Goal } from './plan.ts';

/**
 * What the short run still lets pass. Machines that others use measure what they please, so that only what is far off fails: worse than half
 * of the goal or, where the goal is not reached yet, than half of the figure that docs/performance.md records for it. Half is twice where
 * less is better.
 */
export function toFloor(goal: Goal, recorded: number | null | undefined): Goal {
  const missed = recorded !== null && recorded !== undefined && !meets(recorded, goal);
  if ('atLeast' in goal) return { of: goal.of, atLeast: (missed ? recorded : goal.atLeast) / 2 };
  return { of: goal.of, atMost: (missed ? recorded : goal.atMost) * 2 };
}

/** What fell, and in a sentence how far. */
type Fallen = { name: string; because: string };

/** Figures whose ratio is below its floor. Times and rates by themselves are the machine's, and not held to anything. */
export function findFallen(figures: readonly Figure[], recorded: readonly Figure[]): Fallen[] {
  return figures.flatMap(({ name, ratio, goal }) => {
    if (goal?.of !== 'ratio') return [];
    const floor = toFloor(goal, recorded.find((one) => one.name === name)?.ratio);
    if (ratio !== null && meets(ratio, floor)) return [];
    const bound =
      'atLeast' in floor ? `at least ${toShort(floor.atLeast)}` : `at most ${toShort(floor.atMost)}`;
    const is = ratio === null ? 'missing' : toShort(ratio);
    return [{ name, because: `${name}: the ratio is ${is}, and has to be ${bound}` }];
  });
}

/** What the short run says in the end, given what fell at first and what of it fell again when it was measured once more. */
export function judge(
  first: readonly Fallen[],
  again: readonly Fallen[],
): { exitCode: 0 | 1; lines: string[] } {
  const fallen = again.filter(({ name }) => first.some((one) => one.name === name));
  if (fallen.length === 0) return { exitCode: 0, lines: ['No ratio is far off.'] };
  return { exitCode: 1, lines: ['Far off, twice:', ...fallen.map(({ because }) => `  ${because}`)] };
}

function meets(value: number, goal: Goal): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}
