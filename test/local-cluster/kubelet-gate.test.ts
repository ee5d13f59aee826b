import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startProcess } from '../../src/local-cluster/kubelet/container-process.ts';
import { openPipeStock } from '../../src/local-cluster/kubelet/pipe-stock.ts';
import type { PipeStock } from '../../src/local-cluster/kubelet/pipe-stock.ts';
import { until } from '../support/until.ts';
import { findStartTime } from './node-under-test.ts';

let directory: string;
let pipes: PipeStock;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'jobspawn-gate-'));
  pipes = openPipeStock(join(directory, 'pipes'));
});
afterEach(async () => {
  await pipes.close();
  rmSync(directory, { recursive: true, force: true });
});

const ran = () => existsSync(join(directory, 'ran'));
const command = () => ({ argv: ['touch', 'ran'], env: { PATH: '/usr/bin:/bin' }, cwd: directory });
const onOutput = () => {};

describe('a container process', () => {
  test('is on record before its command runs', async () => {
    const seen: { pid: number; ran: boolean; alive: boolean }[] = [];
    const record = (pid: number) => seen.push({ pid, ran: ran(), alive: findStartTime(pid) !== undefined });
    const { pid, ended } = await startProcess(command(), { pipes, onOutput, record });
    expect(seen).toEqual([{ pid, ran: false, alive: true }]);
    expect((await ended).exitCode).toBe(0);
    expect(ran()).toBe(true);
  });

  test('never runs when it cannot be put on record', async () => {
    const pids: number[] = [];
    const record = (pid: number) => {
      pids.push(pid);
      throw new Error('the disk is full');
    };
    await expect(startProcess(command(), { pipes, onOutput, record })).rejects.toThrow('the disk is full');
    await until(() => pids.every((pid) => findStartTime(pid) === undefined));
    expect(ran()).toBe(false);
  });

  test('never runs when the cluster is killed while it is put on record', async () => {
    const kubelet = resolve(import.meta.dirname, '../../src/local-cluster/kubelet');
    const program = `
      import { writeFileSync } from 'node:fs';
      import { startProcess } from ${JSON.stringify(join(kubelet, 'container-process.ts'))};
      import { openPipeStock } from ${JSON.stringify(join(kubelet, 'pipe-stock.ts'))};
      const record = (pid) => {
        writeFileSync('pid', String(pid));
        process.kill(process.pid, 'SIGKILL');
      };
      await startProcess(${JSON.stringify(command())}, { pipes: openPipeStock('pipes'), onOutput() {}, record });`;
    const cluster = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: directory });
    const signal = await new Promise((done) => cluster.once('exit', (_code, killedBy) => done(killedBy)));
    expect(signal).toBe('SIGKILL');
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    await until(() => findStartTime(pid) === undefined);
    expect(ran()).toBe(false);
  });
});
