/**
 * `npm run bench`: what a user feels and an operator pays, beside what would be there in its place, measured in the same run.
 * `npm run bench -- NAME... [--rounds N] [--seconds N] [--jobs N] [--json FILE] [--cpu-prof DIR]`. See docs/performance.md.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { accept } from './accept.ts';
import { cost } from './cost.ts';
import { dispatch } from './dispatch.ts';
import { list } from './list.ts';
import { local } from './local.ts';
import { log } from './log.ts';
import { memory } from './memory.ts';
import { mixed } from './mixed.ts';
import type { Benchmark } from './plan.ts';
import { report } from './report.ts';
import { runBenchmarks } from './run-benchmarks.ts';
import { start } from './start.ts';
import { toVerdict } from './verdict.ts';
import { watch } from './watch.ts';

const benchmarks = [accept, report, start, memory, local, log, watch, list, dispatch, mixed, cost];

const options = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '2' },
  jobs: { type: 'string' },
  json: { type: 'string' },
  'cpu-prof': { type: 'string' },
} as const;

/** As sysexits.h has it, for what the user asked wrongly. */
const configurationFault = 78;

process.exitCode = await main();

async function main(): Promise<number> {
  let asked;
  try {
    asked = readCommandLine();
  } catch (error) {
    // The first sentence is what is wrong; parseArgs goes on with advice for programmers.
    console.error(String(error instanceof Error ? error.message : error).split('. ')[0]);
    return configurationFault;
  }
  const { chosen, json, ...settings } = asked;
  const figures = await runBenchmarks(chosen, { ...settings, isShort: false });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
  for (const line of ['', ...toVerdict(figures)]) console.log(line);
  return 0;
}

function readCommandLine() {
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const profileDir = values['cpu-prof'];
  return {
    chosen: choose(positionals),
    rounds: Math.ceil(toPositive('rounds', values.rounds)),
    seconds: toPositive('seconds', values.seconds),
    jobs: values.jobs === undefined ? undefined : Math.ceil(toPositive('jobs', values.jobs)),
    json: values.json,
    profileDir: profileDir === undefined ? undefined : resolve(profileDir),
  };
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
  if (!(value > 0 && value < Infinity)) throw new Error(`--${option} must be a number above 0, not ${text}`);
  return value;
}
