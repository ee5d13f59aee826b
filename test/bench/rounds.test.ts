import { expect, test } from '@jest/globals';
import { measureOnce, measureRounds } from '../../bench/rounds.ts';

test('rounds go from side to side, and the first one, which warms up, does not count', async () => {
  const turns: string[] = [];
  const measure = (side: string) => async () => {
    turns.push(side);
    return { turn: turns.length };
  };
  const samples = await measureRounds({ sides: { ours: measure('ours'), bare: measure('bare') } }, 2);
  expect(turns).toEqual(['ours', 'bare', 'ours', 'bare', 'ours', 'bare']);
  expect(samples).toEqual({ ours: [{ turn: 3 }, { turn: 5 }], bare: [{ turn: 4 }, { turn: 6 }] });
});

test('only the sides that are named warm up', async () => {
  const turns: string[] = [];
  const measure = (side: string) => async () => {
    turns.push(side);
    return { turn: turns.length };
  };
  const sides = { ours: measure('ours'), bare: measure('bare') };
  const samples = await measureRounds({ sides, warmUp: ['bare'] }, 1);
  expect(turns).toEqual(['bare', 'ours', 'bare']);
  expect(samples).toEqual({ ours: [{ turn: 2 }], bare: [{ turn: 3 }] });
});

test('what is measured once has a single reading for each side', async () => {
  expect(await measureOnce({ through: async () => ({ megabytes: 7 }) })).toEqual({
    through: [{ megabytes: 7 }],
  });
});
