import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { startChild } from '../test/faults/child-process.ts';
import { run } from '../test/faults/quick-cluster.ts';
import { residentMegabytes } from './local-service.ts';
import { launchers } from './machine.ts';
import type { Benchmark } from './plan.ts';
import { startQuickService } from './quick-service.ts';

const megabytes = 100;
const line = `${'a line of a log as programs write them, neither short nor long '.repeat(2).trim()}\n`;
const lines = Math.ceil((megabytes * 1024 * 1024) / line.length);
const linesAtOnce = 5000;

export const log: Benchmark = {
  name: 'log',
  about: `following a log of ${megabytes} MB, beside "cat" through Express`,

  async prepare(settings, releasers) {
    const rig = await startQuickService({ settings, releasers, onCreate: run, writeLog });
    const { service } = rig;
    const id = await rig.submit();
    await rig.untilState(id, 'RUNNING');
    const bare = await startBareLog();
    releasers.push(bare.stop);
    return {
      sides: {
        ours: async () => {
          const weight = weighMost(service.pid());
          const rate = await read(`${service.url}/api/v1/jobs/${id}/logs?follow=true`);
          return { rate, growth: weight.stop() };
        },
        cat: async () => ({ rate: await read(bare.url) }),
      },
      figures: [
        {
          name: 'log',
          unit: 'MB/s',
          ours: ['ours', 'rate'],
          baseline: ['cat', 'rate'],
          goal: { of: 'ratio', atLeast: 0.5 },
        },
        { name: 'log/memory', unit: 'MB more', ours: ['ours', 'growth'], goal: { of: 'ours', atMost: 50 } },
      ],
    };
  },
};

/** As the kubelet gives a log that is followed: it does not end with what there is. */
function writeLog(response: ServerResponse, { stamped }: { stamped: boolean }): void {
  const chunk = Buffer.from(
    Array.from({ length: linesAtOnce }, (_none, n) => `${stamped ? toStamp(n) : ''}${line}`).join(''),
  );
  const chunks = Array.from({ length: Math.ceil(lines / linesAtOnce) }, () => chunk);
  Readable.from(chunks).pipe(response, { end: false });
}

/** Each line has a time of its own, as a kubelet writes it. */
function toStamp(n: number): string {
  return `2026-01-01T10:00:00.${String(n).padStart(9, '1')}Z `;
}

async function startBareLog(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const file = join(dir, 'log');
  writeFileSync(file, line.repeat(lines));
  const child = startChild(['bench/bare-log.ts'], { BARE_FILE: file }, launchers.server);
  const stop = async () => {
    await child.end('SIGTERM');
    rmSync(dir, { recursive: true });
  };
  return { url: await child.firstLine, stop };
}

/** MB a second, read by a process of its own. */
async function read(url: string): Promise<number> {
  const bytes = megabytes * 1024 * 1024;
  const child = startChild(['bench/read-stream.ts', url, String(bytes)], {}, launchers.load);
  const ms = Number(await child.firstLine);
  await child.closed;
  return megabytes / (ms / 1000);
}

/** Watches by how many MB a process grows at most. */
function weighMost(pid: number): { stop: () => number } {
  const before = residentMegabytes(pid);
  let most = before;
  const watching = setInterval(() => {
    most = Math.max(most, residentMegabytes(pid));
  }, 50);
  return {
    stop() {
      clearInterval(watching);
      return most - before;
    },
  };
}
