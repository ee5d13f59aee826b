import { readdirSync, readFileSync } from 'node:fs';

/** What a process holds at one moment. */
export type ProcessSize = { descriptors: number; megabytes: number };

/** From /proc; undefined where there is none, or no such process any more. */
export function measureProcess(pid: number): ProcessSize | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return {
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      megabytes: Math.round(Number(kilobytes) / 1024),
    };
  } catch {
    return undefined;
  }
}

/** A process grows while it warms up; these are the bounds on what comes after. */
const mostNewDescriptors = 20;
const mostNewMegabytes = 60;

/** One sentence for what went on growing from the second quarter of a life to its last. */
export function findGrowth(samples: readonly ProcessSize[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 5) return [];
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const descriptors =
    median(late.map((size) => size.descriptors)) - median(early.map((size) => size.descriptors));
  // The lows, since between two collections of garbage the memory tells of nothing but garbage.
  const megabytes =
    Math.min(...late.map((size) => size.megabytes)) - Math.min(...early.map((size) => size.megabytes));
  return [
    ...(descriptors > mostNewDescriptors ? [`the service holds ${descriptors} more descriptors`] : []),
    ...(megabytes > mostNewMegabytes ? [`the service holds ${megabytes} MB more`] : []),
  ];
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
