import { expect, test } from '@jest/globals';
import { createRandomPool } from '../../src/control/random-pool.ts';

test('every byte that was drawn is given once, in turn, and a pool that is used up is drawn anew', () => {
  let drawn = 0;
  const pools: number[][] = [];
  const pool = createRandomPool((bytes) => {
    for (const nth of bytes.keys()) bytes[nth] = drawn += 7;
    pools.push([...bytes]);
    return bytes;
  });
  const given: number[] = [];
  while (pools.length < 3) given.push(pool.nextByte(), ...pool.drawBytes(new Uint8Array(10)));
  expect(given).toEqual(pools.flat().slice(0, given.length));
});
