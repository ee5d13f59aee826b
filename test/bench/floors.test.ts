import { expect, test } from '@jest/globals';
import type { Figure } from '../../bench/figures.ts';
import { findFallen, judge, toFloor } from '../../bench/floors.ts';
import type { Goal } from '../../bench/plan.ts';

const atLeast: Goal = { of: 'ratio', atLeast: 0.6 };
const atMost: Goal = { of: 'ratio', atMost: 1.5 };

test.each([
  ['half the goal, where it is met', atLeast, 0.7, { of: 'ratio', atLeast: 0.3 }],
  ['half of what is recorded, where the goal is not met', atLeast, 0.2, { of: 'ratio', atLeast: 0.1 }],
  ['twice the goal, where less is better', atMost, 1.4, { of: 'ratio', atMost: 3 }],
  ['twice of what is recorded, where the goal is not met', atMost, 9, { of: 'ratio', atMost: 18 }],
  ['half the goal, where nothing is recorded', atLeast, undefined, { of: 'ratio', atLeast: 0.3 }],
] as const)('the floor is %s', (_what, goal, recorded, floor) => {
  expect(toFloor(goal, recorded)).toEqual(floor);
});

const toFigure = (ratio: number | null, goal: Goal | null, name = 'accept'): Figure => ({
  name,
  unit: 'requests/s',
  ours: 1,
  baseline: 1,
  ratio,
  spread: { low: 0, high: 1 },
  goal,
  met: null,
});

test('a ratio below its floor has fallen, one above it has not, though its goal is missed', () => {
  const recorded = [toFigure(0.2, atLeast)];
  expect(findFallen([toFigure(0.11, atLeast)], recorded)).toEqual([]);
  expect(findFallen([toFigure(0.09, atLeast)], recorded)).toEqual([
    { name: 'accept', because: 'accept: the ratio is 0.09, and has to be at least 0.1' },
  ]);
  expect(findFallen([toFigure(3.1, atMost, 'start')], recorded)).toEqual([
    { name: 'start', because: 'start: the ratio is 3.1, and has to be at most 3' },
  ]);
});

test('a ratio that could not be had has fallen', () => {
  expect(findFallen([toFigure(Number.NaN, atLeast)], [])).toHaveLength(1);
  expect(findFallen([toFigure(null, atLeast)], [])).toHaveLength(1);
});

test('what has no goal, or one that is no ratio, cannot fall', () => {
  const time: Goal = { of: 'ours', atMost: 0.5 };
  expect(findFallen([toFigure(0.001, null), toFigure(0.001, time)], [])).toEqual([]);
});

test('a ratio that fell twice fails the run, and one that fell once does not', () => {
  const slow = findFallen([toFigure(0.01, atLeast)], []);
  const other = findFallen([toFigure(0.01, atLeast, 'report')], []);
  expect(judge(slow, slow)).toEqual({
    exitCode: 1,
    lines: ['Far off, twice:', '  accept: the ratio is 0.01, and has to be at least 0.3'],
  });
  expect(judge(slow, other).exitCode).toBe(0);
  expect(judge([], []).exitCode).toBe(0);
});
