import { expect, test } from '@jest/globals';
import type { Figure } from '../../bench/figures.ts';
import { toYearTable } from '../../bench/year-model.ts';

const toFigure = ([name, ours]: [string, number]): Figure => ({
  name: `cost/${name}`,
  unit: '',
  ours,
  baseline: null,
  ratio: null,
  spread: { low: ours, high: ours },
  goal: null,
  met: null,
});
const costs = {
  cpu: 5,
  transactions: 10,
  wal: 100_000,
  rows: 20,
  'rows/events': 10,
  'rows/log': 1,
  'rows/audit': 1,
  'bytes/job': 3000,
  'bytes/events': 2000,
  'bytes/log': 500,
  'bytes/audit': 100,
  'calls/create': 1,
  'calls/log': 1,
  'watch/events': 17,
  'watch/bytes': 90_000,
};

function read(figures: readonly Figure[]): Map<string, string[]> {
  const lines = (toYearTable(figures) ?? '').split('\n').map((line) => line.split(' | '));
  return new Map(lines.map(([name = '', ...cells]) => [name.replace('| ', ''), cells]));
}

const table = read(Object.entries(costs).map(toFigure));
const at10 = (name: string) => table.get(name)?.[0];

test('what a second costs is the cost of a job times the jobs of a second', () => {
  expect(at10('of the one core that the service uses')).toBe('5 %');
  expect(table.get('of the one core that the service uses')?.[2]).toBe('500 % |');
  expect(at10('written to the write-ahead log')).toBe('1 MB/s');
  expect(at10('what its watches tell us')).toBe('170/s, 900 kB/s');
});

test('without retention a year keeps all rows of all jobs', () => {
  expect(at10('jobs in a year')).toBe('315 M');
  expect(at10('rows after a year, if nothing were removed')).toBe('6.3 G');
  expect(at10('bytes after a year, if nothing were removed')).toBe('1.8 TB');
});

test('with the defaults a million jobs stay, no more parts of these than their own limits allow, and a year of the audit log', () => {
  expect(at10('jobs that the defaults keep, and how far back they reach')).toBe('1 M: 28 hours');
  // 1 M x 8 rows of jobs, 10 M events, 1 M logs (that many go into 1 GiB), and the audit log.
  expect(at10('rows after a year, with the defaults')).toBe('334 M');
  expect(at10('of these the audit log')).toBe('32 GB');
  expect(at10('bytes after a year, with the defaults')).toBe('37 GB');
});

test('without the costs of a job there is no table, and one cost that is missing is a fault', () => {
  expect(toYearTable([toFigure(['wal', 1])])).toBeUndefined();
  expect(() => toYearTable([toFigure(['cpu', 1])])).toThrow('was not measured');
});
