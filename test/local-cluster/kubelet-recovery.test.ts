import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openProcessTable } from '../../src/local-cluster/kubelet/process-table.ts';
import { until } from '../support/until.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { endOf, findStartTime, isOver, startNode, waitingReasonOf } from './node-under-test.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-recovery-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const shell = (script: string) => ({ command: ['sh', '-c', script] });

async function startRunning(node: NodeUnderTest, script: string) {
  const pod = node.createPod(shell(script));
  await node.untilPod(pod, ({ status }) => status.phase === 'Running');
  const pid = Number(await until(() => node.logOf(pod).then((text) => text.trim())));
  return { pod, pid };
}

describe('a node that stops', () => {
  test('ends its pods as before a shutdown of the machine and leaves no process', async () => {
    const node = await startNode({ dataDir });
    const polite = await startRunning(node, 'trap "exit 0" TERM; echo $$$$; while true; do sleep 0.05; done');
    const plain = await startRunning(node, 'echo $$$$; exec sleep 60');
    await node.stopAll();
    expect([polite.pid, plain.pid].map(findStartTime)).toEqual([undefined, undefined]);

    const next = await startNode({ dataDir });
    expect(next.find(polite.pod)?.status.phase).toBe('Succeeded');
    expect(next.find(plain.pod)?.status).toMatchObject({
      phase: 'Failed',
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      conditions: expect.arrayContaining([
        expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }),
      ]),
    });
    await next.stopAll();
  });

  test('leaves a pod that has not begun to the next start', async () => {
    const node = await startNode({ dataDir, images: {} });
    const pod = node.createPod(shell('true'));
    await node.untilPod(pod, (current) => waitingReasonOf(current) === 'ErrImagePull');
    await node.stopAll();

    const next = await startNode({ dataDir });
    expect((await next.untilPod(pod, isOver)).status.phase).toBe('Succeeded');
    await next.stopAll();
  });
});

/** The objects of a node that was killed: a pod is running, and nothing runs it. */
async function leaveRunningPod(): Promise<ReturnType<NodeUnderTest['createPod']>> {
  const node = await startNode({ dataDir });
  const { pod } = await startRunning(node, 'echo $$$$; exec sleep 60');
  const before = node.find(pod);
  await node.stopAll();
  const { registry, stopAll } = await startNode({ dataDir });
  registry.update('pods', { namespace: 'default', name: pod.metadata.name }, (draft) => {
    draft.status = structuredClone(before?.status ?? {});
  });
  await stopAll();
  return pod;
}

describe('a node after its machine went down', () => {
  test('finds its running pods Failed before anything else happens', async () => {
    const pod = await leaveRunningPod();
    const node = await startNode({ dataDir });
    const found = node.find(pod);
    expect(found?.status.phase).toBe('Failed');
    expect(found && endOf(found)).toMatchObject({ exitCode: 137, reason: 'ContainerStatusUnknown' });
    await node.stopAll();
  });

  test('lets a pod go that was over and being deleted', async () => {
    const node = await startNode({ dataDir });
    const pod = await node.untilPod(node.createPod(shell('true')), isOver);
    node.registry.update('pods', { namespace: 'default', name: pod.metadata.name }, (draft) => {
      draft.metadata.deletionTimestamp = '2026-11-20T23:31:07Z';
      draft.metadata.deletionGracePeriodSeconds = 30;
    });
    await node.stopAll();
    const next = await startNode({ dataDir });
    expect(next.find(pod)).toBeUndefined();
    await next.stopAll();
  });

  test('kills a recorded process with its whole session', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!; (set -m; sleep 60 & echo $!); wait; sleep 60'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    const others = await until(() => {
      const pids = output.trim().split('\n').map(Number);
      return pids.length === 2 ? pids : undefined;
    });
    const directory = join(dataDir, 'processes');
    openProcessTable(directory).record(child.pid ?? 0, 'a-pod');
    expect(await openProcessTable(directory).killStrays()).toEqual(new Set(['a-pod']));
    for (const pid of [child.pid ?? 0, ...others]) await until(() => findStartTime(pid) === undefined);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('spares a process that got the pid of a recorded one', async () => {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const pid = child.pid ?? 0;
    const table = openProcessTable(join(dataDir, 'processes'));
    table.record(pid, 'a-pod');
    writeFileSync(join(dataDir, 'processes', String(pid)), 'another boot/1\na-pod');
    expect(await table.killStrays()).toEqual(new Set(['a-pod']));
    expect(findStartTime(pid)).toBeDefined();
    child.kill('SIGKILL');
  });
});
