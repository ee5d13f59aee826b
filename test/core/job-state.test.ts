import { expect, test } from '@jest/globals';
import { isFinal, jobStates, mayFollow, nextStates } from '../../src/core/job-state.ts';

test('the list of states and the table of steps name the same states', () => {
  expect(Object.keys(nextStates)).toEqual([...jobStates]);
});

test('no step goes back, and none leaves a final state', () => {
  for (const from of jobStates) {
    expect(mayFollow(from, from)).toBe(false);
    for (const to of jobStates.filter((state) => mayFollow(from, state)))
      expect(mayFollow(to, from)).toBe(false);
  }
  expect(jobStates.filter(isFinal)).toEqual(['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST']);
});
