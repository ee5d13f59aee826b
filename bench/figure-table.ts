import { toTextTable } from '../src/app/text-table.ts';
import type { Figure } from './figures.ts';
import type { Goal } from './plan.ts';

const head = ['name', 'ours', 'baseline', 'unit', 'ratio', 'spread', 'goal', 'met'];

/** For a terminal. */
export function toTable(figures: readonly Figure[]): string {
  return toTextTable([head, ...figures.map(toCells)]);
}

/** The same for a page. */
export function toMarkdown(figures: readonly Figure[]): string {
  const rows = [head, head.map(() => '---'), ...figures.map(toCells)];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function toCells({ name, ours, baseline, unit, ratio, spread, goal, met }: Figure): string[] {
  return [
    name,
    toShort(ours),
    baseline === null ? '' : toShort(baseline),
    unit,
    ratio === null ? '' : toShort(ratio),
    `${toShort(spread.low)} to ${toShort(spread.high)}`,
    goal === null ? '' : toWords(goal),
    met === null ? '' : met ? 'yes' : 'NO',
  ];
}

export function toWords(goal: Goal): string {
  const bound = 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
  return goal.of === 'ratio' ? `ratio ${bound}` : bound;
}

/** Three digits tell as much as such measurements do; whole thousands stay whole. */
export function toShort(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
