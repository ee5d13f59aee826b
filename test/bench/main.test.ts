import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { startChild } from '../faults/child-process.ts';

const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

const figureSchema = z.looseObject({
  name: z.string(),
  unit: z.string(),
  ours: z.number().positive(),
  baseline: z.number().positive().nullable(),
  ratio: z.number().positive().nullable(),
  spread: z.object({ low: z.number(), high: z.number() }),
  met: z.boolean().nullable(),
});

test('a short run of one benchmark measures all its sides, and leaves its figures as JSON', async () => {
  const file = join(dir, 'figures.json');
  const args = ['accept', '--rounds', '1', '--seconds', '0.1', '--json', file];
  const child = startChild(['bench/main.ts', ...args]);
  expect(await child.closed).toEqual({ code: 0, signal: null });
  const figures = z.array(figureSchema).parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(figures.map(({ name }) => name)).toEqual([
    'accept',
    'accept/one-transaction',
    'accept/p99',
    'accept/cpu',
  ]);
});

test('the cost of whole jobs is counted: each is created once, its log is read once, and all is told that a real cluster tells', async () => {
  const file = join(dir, 'cost.json');
  const child = startChild(['bench/main.ts', 'cost', '--rounds', '1', '--seconds', '0.1', '--json', file]);
  expect(await child.closed).toEqual({ code: 0, signal: null });
  const figures = z.array(z.looseObject({ name: z.string(), ours: z.number() }));
  const costs = new Map(
    figures.parse(JSON.parse(readFileSync(file, 'utf8'))).map(({ name, ours }) => [name, ours]),
  );
  const counted = ['calls/create', 'calls/log', 'calls/other', 'watch/events', 'rows/log', 'rows/audit'];
  expect(counted.map((name) => costs.get(`cost/${name}`))).toEqual([1, 1, 0, 17, 1, 1]);
  expect(costs.get('cost/transactions')).toBeGreaterThan(1);
  expect(costs.get('cost/bytes/job')).toBeGreaterThan(0);
});

test.each([
  [['speed'], 'there is no benchmark speed; there are accept'],
  [['accept', '--rounds', 'many'], '--rounds must be a number above 0, not many'],
  [['accept', '--seconds', '0'], '--seconds must be a number above 0, not 0'],
  [['accept', '--job', '5'], "Unknown option '--job'"],
  [['accept', '--json'], "Option '--json <value>' argument missing"],
])('%j is answered with one sentence that says what is wrong', async (args, sentence) => {
  const child = startChild(['bench/main.ts', ...args]);
  expect((await child.closed).code).toBe(78);
  expect(child.errors.filter(Boolean)).toEqual([expect.stringContaining(sentence)]);
});
