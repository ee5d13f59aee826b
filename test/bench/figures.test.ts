import { expect, test } from '@jest/globals';
import { median, percentile, toFigure } from '../../bench/figures.ts';
import type { FigurePlan } from '../../bench/plan.ts';

const plan: FigurePlan = {
  name: 'accept',
  unit: 'requests/s',
  ours: ['ours', 'rate'],
  baseline: ['bare', 'rate'],
  goal: { of: 'ratio', atLeast: 0.6 },
};
const toRates = (...rates: number[]) => rates.map((rate) => ({ rate }));

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[7], 7],
  [[], Number.NaN],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test.each([
  [0.5, 50],
  [0.99, 99],
  [1, 100],
  [0.001, 1],
])('a share of %d of 1 to 100 does not exceed %d', (share, expected) => {
  const values = Array.from({ length: 100 }, (_none, n) => 100 - n);
  expect(percentile(values, share)).toBe(expected);
});

test('a ratio is the median of the ratios within each round, so that a slow minute of the machine leaves it as it is', () => {
  const samples = { ours: toRates(60, 6, 70), bare: toRates(100, 10, 100) };
  expect(toFigure(plan, samples)).toEqual({
    name: 'accept',
    unit: 'requests/s',
    ours: 60,
    baseline: 100,
    ratio: 0.6,
    spread: { low: 0.6, high: 0.7 },
    goal: plan.goal,
    met: true,
  });
});

test('without a baseline the spread is that of our own readings, and nothing is met where nothing is asked', () => {
  const { name, unit, ours } = plan;
  const figure = toFigure({ name, unit, ours }, { ours: toRates(3, 9, 5) });
  expect(figure).toMatchObject({
    ours: 5,
    baseline: null,
    ratio: null,
    spread: { low: 3, high: 9 },
    met: null,
  });
});

test.each([
  [{ of: 'ratio', atLeast: 0.6 }, true],
  [{ of: 'ratio', atLeast: 0.61 }, false],
  [{ of: 'ratio', atMost: 0.6 }, true],
  [{ of: 'ratio', atMost: 0.59 }, false],
  [{ of: 'ours', atLeast: 60 }, true],
  [{ of: 'ours', atMost: 50 }, false],
] as const)('for 60 beside 100 the goal %j is met: %s', (goal, met) => {
  expect(toFigure({ ...plan, goal }, { ours: toRates(60), bare: toRates(100) }).met).toBe(met);
});

test('a quantity that a side did not read is a fault of the benchmark, not a figure', () => {
  const samples = { ours: [{ p99: 1 }], bare: toRates(1) };
  expect(() => toFigure(plan, samples)).toThrow('ours did not read rate');
});

test('a goal for a ratio without a baseline is refused', () => {
  const { baseline: _none, ...alone } = plan;
  expect(() => toFigure(alone, { ours: toRates(1) })).toThrow('needs a baseline');
});
