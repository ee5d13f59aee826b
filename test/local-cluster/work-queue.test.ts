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
