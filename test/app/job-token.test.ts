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
    for (const wrong of ['', token.slice(1), `${token}x`, 'ä'.repeat(43)])
      expect(tokens.matches('a', wrong)).toBe(false);
  });
});
