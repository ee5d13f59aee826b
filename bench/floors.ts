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

/** Figures whose ratio is below its floor, in a sentence each. Times and rates by themselves are the machine's, and not held to anything. */
export function findFallen(figures: readonly Figure[], recorded: readonly Figure[]): string[] {
  return figures.flatMap(({ name, ratio, goal }) => {
    if (goal?.of !== 'ratio') return [];
    const floor = toFloor(goal, recorded.find((one) => one.name === name)?.ratio);
    if (ratio !== null && meets(ratio, floor)) return [];
    const bound =
      'atLeast' in floor ? `at least ${toShort(floor.atLeast)}` : `at most ${toShort(floor.atMost)}`;
    return [`${name}: the ratio is ${ratio === null ? 'missing' : toShort(ratio)}, and has to be ${bound}`];
  });
}

function meets(value: number, goal: Goal): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

function toShort(value: number): string {
  return String(Number(value.toPrecision(3)));
}
