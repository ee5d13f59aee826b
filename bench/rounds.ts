import type { Samples } from './figures.ts';
import type { Plan, Readings } from './plan.ts';

/** Interleaved: every round measures each side once, so that what the machine does meanwhile falls on all of them. */
export async function measureRounds(
  { sides, warmUp = Object.keys(sides) }: Pick<Plan, 'sides' | 'warmUp'>,
  rounds: number,
): Promise<Samples> {
  const taken = Object.entries(sides).map(([name, measure]) => ({
    name,
    measure,
    readings: [] as Readings[],
  }));
  for (const { name, measure } of taken) if (warmUp.includes(name)) await measure();
  for (let round = 0; round < rounds; round += 1) {
    for (const { measure, readings } of taken) readings.push(await measure());
  }
  return Object.fromEntries(taken.map(({ name, readings }) => [name, readings]));
}

/** What takes too long for rounds. */
export async function measureOnce(sides: Plan['sides']): Promise<Samples> {
  const samples: Record<string, readonly Readings[]> = {};
  for (const [name, measure] of Object.entries(sides)) samples[name] = [await measure()];
  return samples;
}
