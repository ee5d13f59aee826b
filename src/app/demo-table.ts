import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Job } from '../core/job.ts';

const colours = {
  QUEUED: 'gray',
  CREATED: 'cyan',
  RUNNING: 'blue',
  SUCCEEDED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
  LOST: 'magenta',
} as const;

/**
 * Draws the jobs as a table, over the last drawing where the output is a terminal. Elsewhere (a file, CI) a job's line is
 * written again when it has changed.
 */
export function drawJobs(output: WriteStream): (jobs: readonly Job[]) => void {
  let drawn = 0;
  const last = new Map<string, string>();
  return (jobs) => {
    const lines = jobs.map((job) => ({ id: job.id, text: toLine(job) }));
    if (output.isTTY) {
      moveCursor(output, 0, -drawn);
      clearScreenDown(output);
      for (const { text } of lines) output.write(`${text}\n`);
      drawn = lines.length;
      return;
    }
    for (const { id, text } of lines) {
      if (last.get(id) !== text) output.write(`${text}\n`);
      last.set(id, text);
    }
  };
}

function toLine(job: Job): string {
  const state = styleText(colours[job.state], job.state.padEnd(9), { stream: process.stdout });
  return `  ${job.name.padEnd(26)} ${state} ${toBar(job)}  ${toWords(job)}`;
}

/** Tasks done, or the worker's own progress when there is but one task. */
function toBar({ state, spec, report, kubernetes }: Job): string {
  const said = spec.completions > 1 ? kubernetes.succeeded / spec.completions : (report?.progress ?? 0) / 100;
  const share = state === 'SUCCEEDED' ? 1 : said;
  const filled = Math.round(share * 10);
  const count = spec.completions > 1 ? `${kubernetes.succeeded}/${spec.completions}` : '';
  return `${'#'.repeat(filled)}${'.'.repeat(10 - filled)} ${count.padEnd(5)}`;
}

function toWords(job: Job): string {
  const attempts = job.tasks.flatMap((task) => task.attempts).length;
  const words = job.reason ?? job.report?.status ?? '';
  return attempts > job.spec.completions ? `${words} (${attempts} pods)` : words;
}
