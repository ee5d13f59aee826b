import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The processor time that a process has used so far, in ms; from /proc, whose clock ticks are coarse, or NaN where there is none. */
export function cpuMilliseconds(pid: number): number {
  try {
    // The name of the program, in parentheses, may hold anything; what follows it is in fixed places.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

const ticksPerSecond = readTicks();

function readTicks(): number {
  try {
    return Number(
      execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return 100;
  }
}
