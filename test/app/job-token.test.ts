import { describe, expect, test } from '@jest/globals';
import { createJobTokens } from '../../src/app/job-token.ts';

describe('a job token', () => {
  const tokens = createJobTokens(Buffer.alloc(32, 1));

  test('opens its own job', () => {
    expect(tokens.matches('a', tokens.issue('a'))).toBe(true);
  });

  test('opens no other job, under no other key, and not when cut, empty or changed', () => {
    const token = tokens.issue('a');
    expect(tokens.matches('b', token)).toBe(false);
    expect(createJobTokens(Buffer.alloc(32, 2)).matches('a', token)).toBe(false);
    for (const wrong of ['', token.slice(1), `${token}x`, `${token}=`, `${token}!`, 'ä'.repeat(43)])
      expect(tokens.matches('a', wrong)).toBe(false);
  });

  test('of the previous key stays good while that is kept, and new ones are made with the new key', () => {
    const [before, after] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const rotated = createJobTokens(after, before);
    expect(rotated.matches('a', tokens.issue('a'))).toBe(true);
    expect(rotated.issue('a')).toBe(createJobTokens(after).issue('a'));
    expect(rotated.matches('b', tokens.issue('a'))).toBe(false);
    expect(createJobTokens(after).matches('a', tokens.issue('a'))).toBe(false);
  });
});
