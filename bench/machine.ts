import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { median } from './figures.ts';

/** The kinds of file system that statfs tells by number and that matter here. */
const fileSystems: Record<number, string> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlay',
};

/** What figures depend on beside the code. The disk is that of the temporary directory, where all databases lie (`TMPDIR` moves it). */
export function describeMachine(): string[] {
  const disk = fileSystems[statfsSync(tmpdir()).type] ?? 'an unknown file system';
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  return [
    `${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${memory}, ${type()} ${release()}, Node ${process.version}`,
    `${disk} in ${tmpdir()}, where 4 KiB are on the disk ${timeFsync().toFixed(2)} ms after they were written`,
    `load before the run ${loadavg()[0]?.toFixed(2)}; ${hasTaskset ? 'server and load on a core of their own' : 'no taskset: server and load share the cores'}`,
  ];
}

/** The median in ms: nothing that is durable can be faster, however many share it. */
function timeFsync(): number {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const file = openSync(join(dir, 'probe'), 'w');
  const page = Buffer.alloc(4096);
  const times = Array.from({ length: 50 }, () => {
    const began = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  rmSync(dir, { recursive: true });
  return median(times);
}

const hasTaskset = availableParallelism() > 1 && canPin();

function canPin(): boolean {
  try {
    execFileSync('taskset', ['-c', '0,1', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The command that holds a program to its core; empty where there is none. */
export const launchers = {
  server: hasTaskset ? ['taskset', '-c', '0'] : [],
  load: hasTaskset ? ['taskset', '-c', '1'] : [],
};
