import type { Samples } from './figures.ts';
import type { Plan, Readings } from './plan.ts';

/**
 * Interleaved: every round measures each side once, so that what the machine does meanwhile falls on all of them. A first round, in which
 * programs warm up, is not counted.
 */
export async function measureRounds(sides: Plan['sides'], rounds: number): Promise<Samples> {
  const taken = Object.entries(sides).map(([name, measure]) => ({
    name,
    measure,
    readings: [] as Readings[],
  }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { measure, readings } of taken) {
      const read = await measure();
      if (round > 0) readings.push(read);
    }
  }
  return Object.fromEntries(taken.map(({ name, readings }) => [name, readings]));
}

/** What takes too long for rounds. */
export async function measureOnce(sides: Plan['sides']): Promise<Samples> {
  const samples: Record<string, readonly Readings[]> = {};
  for (const [name, measure] of Object.entries(sides)) samples[name] = [await measure()];
  return samples;
}
