/**
 * `npm run bench`: what a user feels and an operator pays, beside what would be there in its place, measured in the same run.
 * `npm run bench -- NAME... [--rounds N] [--seconds N] [--json FILE] [--cpu-prof DIR]`. See docs/performance.md.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createReleasers } from '../src/app/releasers.ts';
import { accept } from './accept.ts';
import { dispatch } from './dispatch.ts';
import { toTable } from './figure-table.ts';
import { toFigure } from './figures.ts';
import type { Figure } from './figures.ts';
import { list } from './list.ts';
import { local } from './local.ts';
import { log } from './log.ts';
import { describeMachine } from './machine.ts';
import { memory } from './memory.ts';
import { mixed } from './mixed.ts';
import type { Benchmark, Settings } from './plan.ts';
import { report } from './report.ts';
import { measureRounds } from './rounds.ts';
import { start } from './start.ts';
import { watch } from './watch.ts';

const benchmarks = [accept, report, start, memory, local, log, watch, list, dispatch, mixed];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
});

const profileDir = values['cpu-prof'];
const settings: Settings = {
  seconds: toPositive('seconds', values.seconds),
  profileDir: profileDir === undefined ? undefined : resolve(profileDir),
};
const rounds = Math.ceil(toPositive('rounds', values.rounds));
const chosen = choose(positionals);

for (const line of describeMachine()) console.log(line);
const figures: Figure[] = [];
for (const benchmark of chosen) {
  console.log(`\n${benchmark.name}: ${benchmark.about}`);
  const measured = await measure(benchmark);
  console.log(toTable(measured));
  figures.push(...measured);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
const missed = figures.filter(({ met }) => met === false).map(({ name }) => name);
console.log(missed.length === 0 ? '\nEvery goal is met.' : `\nNot met: ${missed.join(', ')}.`);

async function measure({ prepare }: Benchmark): Promise<Figure[]> {
  const releasers = createReleasers();
  try {
    const { sides, figures: plans } = await prepare(settings, releasers);
    const samples = await measureRounds(sides, rounds);
    return plans.map((plan) => toFigure(plan, samples));
  } finally {
    await releasers.releaseAll();
  }
}

function choose(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) {
    const known = benchmarks.map(({ name }) => name).join(', ');
    throw new Error(`there is no benchmark ${unknown.join(', ')}; there are ${known}`);
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

function toPositive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0`);
  return value;
}
