/**
 * `npm run bench:smoke`: the ratios that are quick to have, in about a minute and a half. It ends with 1 where one of them is far off: see
 * floors.ts. CI runs it; figures to compare come from `npm run bench`.
 */
import { accept } from './accept.ts';
import { dispatch } from './dispatch.ts';
import { findFallen, judge } from './floors.ts';
import { list } from './list.ts';
import { local } from './local.ts';
import { log } from './log.ts';
import { memory } from './memory.ts';
import { readRecorded } from './recorded-figures.ts';
import { report } from './report.ts';
import { runBenchmarks } from './run-benchmarks.ts';
import { start } from './start.ts';

const benchmarks = [accept, report, start, memory, local, log, list, dispatch];
const short = { rounds: 3, seconds: 0.5, jobs: undefined, profileDir: undefined, isShort: true };

const recorded = readRecorded();
const suspects = findFallen(await runBenchmarks(benchmarks, short), recorded);
// A machine that is busy for some seconds makes a ratio fall as well, but hardly twice.
const again = benchmarks.filter(({ name }) => suspects.some((one) => one.name.split('/')[0] === name));
const second = again.length === 0 ? [] : findFallen(await runBenchmarks(again, short), recorded);
const { exitCode, lines } = judge(suspects, second);
console.log(`\n${lines.join('\n')}`);
process.exitCode = exitCode;
