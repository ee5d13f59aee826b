import { expect, test } from '@jest/globals';
import { toMarkdown, toTable } from '../../bench/figure-table.ts';
import type { Figure } from '../../bench/figures.ts';

const rate: Figure = {
  name: 'accept',
  unit: 'requests/s',
  ours: 1695.6,
  baseline: 18_680,
  ratio: 0.0908,
  spread: { low: 0.08581, high: 0.164 },
  goal: { of: 'ratio', atLeast: 0.6 },
  met: false,
};
const time: Figure = {
  name: 'watch/p99',
  unit: 'ms',
  ours: 12.34,
  baseline: null,
  ratio: null,
  spread: { low: 9, high: 101.5 },
  goal: { of: 'ours', atMost: 50 },
  met: true,
};

test('the table for a terminal has a line for each figure, with three digits', () => {
  expect(toTable([rate, time]).split('\n')).toEqual([
    'name       ours  baseline  unit        ratio   spread           goal          met',
    'accept     1696  18680     requests/s  0.0908  0.0858 to 0.164  ratio >= 0.6  NO',
    'watch/p99  12.3            ms                  9 to 102         <= 50         yes',
  ]);
});

test('the table for a page says the same', () => {
  expect(toMarkdown([time]).split('\n')).toEqual([
    '| name | ours | baseline | unit | ratio | spread | goal | met |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    '| watch/p99 | 12.3 |  | ms |  | 9 to 102 | <= 50 | yes |',
  ]);
});

test('a figure without a goal is neither met nor missed', () => {
  expect(toTable([{ ...time, goal: null, met: null }]).split('\n')[1]).toBe(
    'watch/p99  12.3            ms           9 to 102',
  );
});
