/** Chances that can be drawn again: the same seed gives the same draws in the same order. */
export type Dice = {
  /** True with this probability. */
  chance: (probability: number) => boolean;
  /** A whole number, both ends included. */
  between: (from: number, to: number) => number;
  pick: <T>(list: readonly [T, ...T[]]) => T;
  /** Dice of their own for another thrower, so that who throws first does not matter. */
  fork: () => Dice;
};

/** Mulberry32: 32 bits of state are plenty for a test, and fit in an environment variable. */
export function createDice(seed: number): Dice {
  let state = Math.trunc(seed) >>> 0;

  function draw(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const between = (from: number, to: number) => from + Math.floor(draw() * (to - from + 1));
  return {
    chance: (probability) => draw() < probability,
    between,
    pick: (list) => list[between(0, list.length - 1)] ?? list[0],
    fork: () => createDice(between(0, 2 ** 32 - 1)),
  };
}

/** `FAULT_SEED` where a failure is to be seen again, else one that no run had before. */
export function chooseSeed(): number {
  const given = Number(process.env['FAULT_SEED'] ?? Number.NaN);
  return Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 32);
}
