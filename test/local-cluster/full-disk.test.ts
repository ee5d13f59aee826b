import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createEventRecorder } from '../../src/local-cluster/event-recorder.ts';
import { describeMachine } from '../../src/local-cluster/machine.ts';
import { startScheduler } from '../../src/local-cluster/scheduler.ts';
import { until } from '../support/until.ts';
import { minimalPod, openTestRegistry } from './api-under-test.ts';
import { startNode } from './node-under-test.ts';

const run = promisify(execFile);

test('a full disk ends no node: pods end, deadlines and deletions hold, and all of it is stored when there is room again', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-full-disk-'));
  try {
    const { stdout } = await run(process.execPath, ['test/local-cluster/full-disk-node.ts', dataDir]);
    expect(JSON.parse(stdout)).toEqual({
      meanwhile: ['Running', 'Running', 'Running'],
      ends: ['Succeeded', 'Failed DeadlineExceeded'],
      oldEvents: 0,
      afterStop: 'Failed',
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test('a pod that the disk had room for, but not for its binding, is bound later, and its creation succeeds', async () => {
  const opened = openTestRegistry();
  const { registry, dataDir } = opened;
  let isFull = true;
  const complaints: unknown[] = [];
  const log = { error: (complaint: unknown) => void complaints.push(complaint) };
  const given: typeof registry = {
    ...registry,
    update(resource, key, change) {
      if (isFull) throw new Error('database or disk is full');
      return registry.update(resource, key, change);
    },
  };
  const events = createEventRecorder(given, log);
  const scheduler = startScheduler({ registry: given, events, machine: describeMachine(dataDir), log });
  const heard: string[] = [];
  registry.subscribe('pods', ({ object }) => heard.push(object.metadata.name));
  registry.create('pods', 'default', minimalPod('patient'));
  expect(heard).toEqual(['patient']);
  await until(() => complaints.length > 0);
  isFull = false;
  await until(() => registry.find('pods', 'default', 'patient')?.spec.nodeName);
  scheduler.stop();
  opened.close();
});

test('a pod whose directories cannot be made leaves when it is deleted', async () => {
  const complaints: string[] = [];
  const node = await startNode({
    log: pino({ level: 'error' }, { write: (line: string) => complaints.push(line) }),
  });
  const pods = join(node.dataDir, 'pods');
  rmSync(pods, { recursive: true });
  writeFileSync(pods, '');
  const pod = node.createPod({ command: ['true'] });
  await until(() => complaints.some((line) => line.includes('could not be stored')));
  node.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
  await node.untilGone(pod);
  await node.stop();
});
