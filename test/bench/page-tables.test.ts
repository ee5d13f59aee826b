import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { pages, putTable, toReadmeTable } from '../../bench/page-tables.ts';
import { readRecorded } from '../../bench/recorded-figures.ts';

test('the table of the README has its figures in words, and those alone that are there', () => {
  const figure = {
    name: 'accept',
    unit: 'requests/s',
    ours: 1695.6,
    baseline: 18_680,
    ratio: 0.0908,
    spread: { low: 0.08, high: 0.16 },
    goal: { of: 'ratio', atLeast: 0.6 },
    met: false,
  } as const;
  const time = {
    ...figure,
    name: 'watch/p99',
    unit: 'ms',
    ours: 83,
    baseline: null,
    ratio: null,
    goal: null,
  };
  expect(toReadmeTable([time, figure, { ...figure, name: 'accept/cpu' }]).split('\n')).toEqual([
    '|  | ours | beside it | ratio | goal |',
    '| --- | --- | --- | --- | --- |',
    '| accepting a job, durable when answered | 1696 requests/s | 18680: Express with the same schema, and no store | 0.0908 | ratio >= 0.6 |',
    '| from a report to its event in 1,000 browsers (p99) | 83 ms |  |  |  |',
  ]);
});

const toText = (table: string) => `before\n<!-- figures -->\n\n${table}\n\n<!-- end of figures -->\nafter`;

test('a table takes the place of the one before, and leaves the rest as it is', () => {
  expect(putTable(toText('old $& table'), 'figures', 'new $& table')).toBe(toText('new $& table'));
  expect(putTable(toText('old'), 'figures', undefined)).toBe(toText('old'));
  expect(() => putTable('nothing', 'figures', 'table')).toThrow('no place');
});

test.each(pages)('$mark in $file: the table is made of what was recorded', ({ file, mark, toTable }) => {
  const text = readFileSync(file, 'utf8');
  expect(putTable(text, mark, toTable(readRecorded()))).toBe(text);
});
