import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Figure } from '../../bench/figures.ts';
import { obstacles, toVerdict } from '../../bench/verdict.ts';

const accept: Figure = {
  name: 'accept',
  unit: 'requests/s',
  ours: 5559,
  baseline: 18_468,
  ratio: 0.3,
  spread: { low: 0.26, high: 0.35 },
  goal: { of: 'ratio', atLeast: 0.6 },
  met: false,
};
const p99: Figure = { ...accept, name: 'accept/p99', ours: 61.2, goal: { of: 'ours', atMost: 50 } };

test('a run ends with a line for each goal that is missed: by how much, and what stands in the way', () => {
  const [head, ...lines] = toVerdict([
    accept,
    p99,
    { ...accept, met: true },
    { ...p99, goal: null, met: null },
  ]);
  expect(head).toBe('Not met:');
  expect(lines).toEqual([
    `  accept is 0.3, and should be ratio >= 0.6: ${obstacles['accept']}`,
    '  accept/p99 is 61.2, and should be <= 50: not known to be out of reach; on a machine that others use, try again',
  ]);
});

test('a run that meets every goal says so', () => {
  expect(toVerdict([{ ...accept, met: true }])).toEqual(['Every goal is met.']);
});

test('obstacles are named of goals that there are, and that the recorded run missed', () => {
  const recorded = z
    .array(z.object({ name: z.string(), met: z.boolean().nullable() }))
    .parse(JSON.parse(readFileSync('bench/recorded-figures.json', 'utf8')));
  const missed = recorded.flatMap(({ name, met }) => (met === false ? [name] : []));
  expect(missed).toEqual(expect.arrayContaining(Object.keys(obstacles)));
});
