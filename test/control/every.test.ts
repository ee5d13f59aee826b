import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { every } from '../../src/control/every.ts';
import { until } from '../support/until.ts';

let stop: AbortController;
let lines: string[];
let done: Promise<void> | undefined;

beforeEach(() => {
  stop = new AbortController();
  lines = [];
});

afterEach(async () => {
  stop.abort();
  await done;
});

const hour = 3_600_000;

function loop(intervalMs: number, runOnce: () => unknown) {
  const listeners = new Set<() => void>();
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const wake = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  done = every({ name: 'a loop', intervalMs, signal: stop.signal, log, wake }, runOnce);
  return { call: () => listeners.forEach((listener) => listener()), listeners };
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
