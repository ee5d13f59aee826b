import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createWorkQueue } from '../../src/local-cluster/work-queue.ts';

function openQueue(work: (key: string) => void = () => {}) {
  const done: string[] = [];
  const queue = createWorkQueue({
    work(key) {
      done.push(key);
      work(key);
    },
    onError: () => {},
  });
  return { queue, done };
}

test('a turn is awaited behind all that were asked for before', async () => {
  const { queue, done } = openQueue();
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await Promise.all([queue.untilTurn('c'), queue.untilTurn('c')]);
  expect(done).toEqual(['a', 'b', 'c']);
  queue.stop();
});

test('short turns share a round of the event loop', async () => {
  const { queue, done } = openQueue();
  for (let nth = 0; nth < 1000; nth += 1) queue.add(`key-${nth}`);
  let rounds = 0;
  for (; done.length < 1000; rounds += 1) await setImmediate();
  expect(rounds).toBeLessThan(500);
  queue.stop();
});

test('turns that take long leave room between them', async () => {
  const { queue, done } = openQueue(() => {
    const end = performance.now() + 15;
    while (performance.now() < end);
  });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await setImmediate();
  expect(done).toEqual(['a']);
  await queue.untilTurn('c');
  queue.stop();
});

test('a turn that asks for another one lets the rest go first', async () => {
  const { queue, done } = openQueue((key) => {
    if (key === 'a' && done.length < 3) queue.add('a');
  });
  for (const key of ['a', 'b']) queue.add(key);
  await queue.untilTurn('b');
  await queue.untilTurn('a');
  expect(done).toEqual(['a', 'b', 'a']);
  queue.stop();
});

test('nobody waits for a turn that nobody asked for', async () => {
  const { queue, done } = openQueue();
  queue.add('a');
  await queue.untilTurn('b');
  expect(done).toEqual([]);
  queue.stop();
});

test('nobody waits longer for a turn that fails, or that never comes', async () => {
  const { queue, done } = openQueue(() => {
    throw new Error('not now');
  });
  queue.add('a');
  await queue.untilTurn('a');
  expect(done).toEqual(['a']);
  queue.add('b');
  const turn = queue.untilTurn('b');
  queue.stop();
  await turn;
  expect(done).toEqual(['a']);
});
