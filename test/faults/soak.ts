/**
 * `npm run test:soak -- [--minutes N] [--jobs N] [--seed S]`: a bad day of the API server, with the service killed again and again for two
 * thirds of the time and left alone for the rest; then calm, and the checker's word. Exit code 1 if anything is wrong.
 * `npm run test:soak -- --scenario NAME` plays one of the long faults instead.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findFaults } from './checker.ts';
import type { Verdict } from './checker.ts';
import { chooseSeed, createDice } from './dice.ts';
import { liveAndDie, submitOver } from './kill-loop.ts';
import { findGrowth, measureProcess } from './process-size.ts';
import type { ProcessSize } from './process-size.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';
import { scenarios } from './scenarios.ts';
import { startBadDay } from './weather.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    jobs: { type: 'string' },
    seed: { type: 'string', default: String(chooseSeed()) },
    scenario: { type: 'string' },
  },
});
const totalMs = toPositive('minutes', values.minutes) * 60_000;
const jobs = toPositive('jobs', values.jobs ?? String(Math.ceil(totalMs / 500)));
const seed = toPositive('seed', values.seed);
const killingMs = (totalMs * 2) / 3;
// Short enough that Jobs leave the cluster while it goes on, long enough for a create to be repeated.
const fields = { ttlSecondsAfterFinished: 120 };

function toPositive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) {
    console.error(`--${option} must be a number above 0, not ${text}`);
    // As sysexits.h has it, for what the user asked wrongly.
    process.exit(78);
  }
  return value;
}

/** Kills the service until the time is over; tells how often it died of what. */
async function killAgainAndAgain(rig: Rig): Promise<Map<string, number>> {
  const dice = createDice(seed);
  const deaths = new Map<string, number>();
  const end = performance.now() + killingMs;
  while (performance.now() < end) {
    const cause = await liveAndDie(rig, { dice, longestMs: 2000 });
    deaths.set(cause, (deaths.get(cause) ?? 0) + 1);
  }
  return deaths;
}

/** One life that is left to itself, measured once a second. */
async function liveOn(rig: Rig): Promise<ProcessSize[]> {
  const samples: ProcessSize[] = [];
  rig.service.start();
  await rig.service.untilReady();
  const end = performance.now() + totalMs - killingMs;
  while (performance.now() < end) {
    await delay(1000);
    const size = measureProcess(rig.service.pid());
    if (size !== undefined) samples.push(size);
  }
  return samples;
}

async function soak(rig: Rig): Promise<string[]> {
  startBadDay(rig.proxy);
  const orders = submitOver(rig, { jobs, ms: totalMs * 0.95, dice: createDice(seed + 1), fields });
  const deaths = await killAgainAndAgain(rig);
  const sizes = await liveOn(rig);
  rig.proxy.calm();
  await orders;
  // The last life begins with nothing in mind: no pause that an earlier fault has earned is waited for.
  await rig.service.kill();
  rig.service.start();
  const verdict = await rig.conclude({ timeoutMs: 180_000 });
  const growth = findGrowth(sizes);
  report({ verdict, deaths, sizes, counts: rig.proxy.counts(), asked: rig.client.asked.length });
  return [...findFaults(verdict), ...growth];
}

function report({
  verdict,
  deaths,
  sizes,
  counts,
  asked,
}: {
  verdict: Verdict;
  deaths: ReadonlyMap<string, number>;
  sizes: readonly ProcessSize[];
  counts: ReadonlyMap<string, number>;
  asked: number;
}): void {
  line('jobs accepted', `${verdict.accepted} of ${asked} asked for`);
  line('kills', sum(deaths));
  for (const [cause, times] of deaths) line(`  ${cause}`, times);
  line('API faults injected', sum(counts));
  for (const [name, times] of counts) line(`  ${name}`, times);
  line('lost', verdict.lost.length);
  line('doubled', verdict.doubled.length);
  line('wrong', verdict.wrong.length);
  line('backwards', verdict.backwards.length);
  line('descriptors', rangeOf(sizes.map(({ descriptors }) => descriptors)));
  line('memory (MB)', rangeOf(sizes.map(({ megabytes }) => megabytes)));
}

function sum(of: ReadonlyMap<string, number>): number {
  return [...of.values()].reduce((total, n) => total + n, 0);
}

function line(name: string, value: string | number): void {
  console.log(`${name.padEnd(32)} ${value}`);
}

function rangeOf(samples: readonly number[]): string {
  if (samples.length === 0) return 'not measured';
  return `${Math.min(...samples)} to ${Math.max(...samples)}, ${samples.at(0)} at first and ${samples.at(-1)} at last`;
}

function isScenario(name: string): name is keyof typeof scenarios {
  return Object.hasOwn(scenarios, name);
}

async function play(rig: Rig): Promise<string[]> {
  const { scenario } = values;
  if (scenario === undefined) return soak(rig);
  if (isScenario(scenario)) return scenarios[scenario](rig);
  throw new Error(`There is no scenario "${scenario}", only ${Object.keys(scenarios).join(', ')}.`);
}

console.log(`seed ${seed}`);
const rig = await startRig({ seed });
let faults: string[];
try {
  faults = await play(rig);
  for (const fault of faults) console.log(fault);
  console.log(
    faults.length === 0 ? 'All was kept.' : `${faults.length} faults; --seed ${seed} replays them.`,
  );
} finally {
  await rig.stop();
}
// Not left to itself: after thousands of connections that were broken off, Node may wait for one of them for ever.
process.exit(faults.length === 0 ? 0 : 1);
