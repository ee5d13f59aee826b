import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { every } from '../../src/control/every.ts';
import { AppError } from '../../src/core/app-error.ts';
import { createLoopsHealth } from '../../src/control/loop-health.ts';
import { until } from '../support/until.ts';

let stop: AbortController;
let lines: string[];
let now: number;
let done: Promise<void> | undefined;

beforeEach(() => {
  stop = new AbortController();
  lines = [];
  now = Date.parse('2026-01-01T00:00:00Z');
});

afterEach(async () => {
  stop.abort();
  await done;
});

const hour = 3_600_000;

function loop(intervalMs: number, runOnce: () => unknown, more: { restMs?: number } = {}) {
  const listeners = new Set<() => void>();
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const wake = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const health = createLoopsHealth({ clock: () => new Date(now) });
  done = every({ name: 'a loop', intervalMs, signal: stop.signal, log, health, wake, ...more }, runOnce);
  return { call: () => listeners.forEach((listener) => listener()), listeners, health };
}

test('runs at once, and then again and again', async () => {
  let runs = 0;
  loop(1, () => (runs += 1));
  expect(runs).toBe(1);
  await until(() => runs > 3);
});

test('a call leads to a run before its time', async () => {
  let runs = 0;
  const { call } = loop(hour, () => (runs += 1));
  call();
  await until(() => runs === 2);
  call();
  await until(() => runs === 3);
});

test('calls while a loop rests lead to one run, once it has rested', async () => {
  const runs: number[] = [];
  const { call } = loop(hour, () => runs.push(performance.now()), { restMs: 40 });
  call();
  call();
  await until(() => runs.length === 2);
  const [first = 0, second = 0] = runs;
  // A timer counts in whole milliseconds.
  expect(second - first).toBeGreaterThanOrEqual(39);
  await delay(80);
  expect(runs).toHaveLength(2);
  call();
  await until(() => runs.length === 3);
});

test('calls during a run lead to one more, and never to two at once', async () => {
  let [runs, atOnce, most] = [0, 0, 0];
  const first = Promise.withResolvers<void>();
  const { call } = loop(hour, async () => {
    runs += 1;
    atOnce += 1;
    most = Math.max(most, atOnce);
    if (runs === 1) await first.promise;
    atOnce -= 1;
  });
  call();
  call();
  expect(runs).toBe(1);
  first.resolve();
  await until(() => runs === 2);
  call();
  await until(() => runs === 3);
  expect(most).toBe(1);
});

test('fault 24: a run that throws is told, and the loop goes on', async () => {
  let runs = 0;
  loop(1, () => {
    runs += 1;
    if (runs === 1) throw new Error('no luck');
  });
  await until(() => runs > 2);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 50,
    loop: 'a loop',
    err: { message: 'no luck' },
  });
});

test('the end comes when the run under way has ended, and nothing listens any more', async () => {
  const run = Promise.withResolvers<void>();
  const { listeners } = loop(hour, () => run.promise);
  let isOver = false;
  const over = done?.then(() => (isOver = true));
  stop.abort();
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  run.resolve();
  await over;
  expect(listeners.size).toBe(0);
});

test('a loop at rest ends at once', async () => {
  loop(hour, () => undefined);
  await new Promise(setImmediate);
  stop.abort();
  await done;
  expect(lines).toEqual([]);
});

test('each run is recorded, with when one last ended well and what the last one failed with', async () => {
  const turns = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let runs = 0;
  const { health } = loop(1, async () => {
    runs += 1;
    await turns[runs - 1]?.promise;
    if (runs === 2) throw new AppError('unavailable', 'Nobody answers.');
  });
  turns[0]?.resolve();
  await until(() => runs === 2);
  expect(health.all()).toEqual({
    'a loop': { runs: 1, failures: 0, lastSuccessAt: '2026-01-01T00:00:00.000Z', lastError: null },
  });
  now += 5000;
  turns[1]?.resolve();
  await until(() => runs === 3);
  expect(health.all()).toEqual({
    'a loop': {
      runs: 2,
      failures: 1,
      lastSuccessAt: '2026-01-01T00:00:00.000Z',
      lastError: 'Nobody answers.',
    },
  });
  expect(health.complaints()).toEqual(['The loop "a loop" failed in its last run.']);
  turns[2]?.resolve();
  await until(() => health.all()['a loop']?.lastSuccessAt === '2026-01-01T00:00:05.000Z');
  expect(health.all()['a loop']).toMatchObject({ failures: 1, lastError: null });
  expect(health.complaints()).toEqual([]);
});

test('an error that is no sentence of ours stays inside', async () => {
  const { health } = loop(hour, () => {
    throw new TypeError('secrets');
  });
  await until(() => health.all()['a loop']?.failures === 1);
  expect(JSON.stringify(health.all())).not.toContain('secrets');
});

test('a run that does not come back is told after a minute', async () => {
  const run = Promise.withResolvers<void>();
  const { health } = loop(hour, () => run.promise);
  now += 60_000;
  expect(health.complaints()).toEqual([]);
  now += 15_000;
  expect(health.complaints()).toEqual(['The loop "a loop" has been in one run for 75 s.']);
  run.resolve();
  await until(() => health.complaints().length === 0);
});

test('two loops cannot share a name, or one would hide the other', () => {
  const { health } = loop(hour, () => undefined);
  expect(() => health.record('a loop')).toThrow('two loops named a loop');
});
