import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { humanDuration, printJob, printPod } from '../../src/local-cluster/api/printer.ts';
import type { ApiRegistry } from '../../src/local-cluster/registry-contract.ts';
import { minimalJob, minimalPod, openTestRegistry } from './api-under-test.ts';

let opened: ReturnType<typeof openTestRegistry>;
let registry: ApiRegistry;
beforeAll(() => {
  opened = openTestRegistry();
  ({ registry } = opened);
});
afterAll(() => opened.close());

const now = Date.parse('2030-01-01T00:10:00Z');

describe('durations', () => {
  test.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [303, '5m3s'],
    [3600, '60m'],
    [3 * 3600, '3h'],
    [3 * 3600 + 300, '3h5m'],
    [10 * 3600 + 300, '10h'],
    [50 * 3600, '2d2h'],
    [9 * 86400, '9d'],
    [800 * 86400, '2y70d'],
  ])('%i s is shown as %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
});

const condition = (type: string) => ({ conditions: [{ type, status: 'True' }] });

describe('a Job in a Table', () => {
  let count = 0;
  const print = (status: object, spec: object = {}) => {
    count += 1;
    const name = `job-${count}`;
    registry.create('jobs', 'default', minimalJob(name, { spec }));
    const job = registry.update(
      'jobs',
      { namespace: 'default', name },
      (draft) => void Object.assign(draft.status, status),
    );
    if (job === undefined) throw new Error('no such job');
    return printJob(job, now).cells.slice(1, 4);
  };
  test('is Running from the start, with no duration before it starts', () => {
    expect(print({})).toEqual(['Running', '0/1', '']);
  });

  test.each(['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'])(
    'shows %s',
    (type) => {
      expect(print(condition(type))[0]).toBe(type);
    },
  );

  test('shows how long it ran, or has been running', () => {
    const startTime = '2030-01-01T00:00:00Z';
    expect(print({ startTime, completionTime: '2030-01-01T00:00:17Z', succeeded: 1 })[2]).toBe('17s');
    expect(print({ startTime })[2]).toBe('10m');
  });

  test('of a work queue shows the parallelism', () => {
    expect(print({ succeeded: 1 }, { parallelism: 3 })[1]).toBe('1/1 of 3');
  });
});

const container = (state: object, more: object = {}) => ({
  name: 'main',
  restartCount: 0,
  ready: false,
  state,
  ...more,
});

describe('a pod in a Table', () => {
  let count = 0;
  const print = (status: object, spec: object = {}, deleted = false) => {
    count += 1;
    const name = `pod-${count}`;
    const pod = minimalPod(name);
    registry.create('pods', 'default', { ...pod, spec: { ...pod.spec, ...spec } });
    const written = registry.update('pods', { namespace: 'default', name }, (draft) => {
      Object.assign(draft.status, status);
      if (deleted)
        Object.assign(draft.metadata, { deletionTimestamp: '2030-01-01T00:00:00Z', finalizers: ['a/b'] });
    });
    if (written === undefined) throw new Error('no such pod');
    return printPod(written, now).cells.slice(1, 4);
  };
  test('is Pending, then ContainerCreating, then Running', () => {
    expect(print({})).toEqual(['0/1', 'Pending', '0']);
    const waiting = { waiting: { reason: 'ContainerCreating' } };
    expect(print({ containerStatuses: [container(waiting)] })[1]).toBe('ContainerCreating');
    const running = container({ running: {} }, { ready: true });
    expect(print({ phase: 'Running', containerStatuses: [running] })).toEqual(['1/1', 'Running', '0']);
  });

  test.each([
    [{ exitCode: 0, reason: 'Completed' }, 'Completed'],
    [{ exitCode: 1, reason: 'Error' }, 'Error'],
    [{ exitCode: 7 }, 'ExitCode:7'],
  ])(
    'of which the container ended with %j shows it, even while the phase is still Running',
    (terminated, text) => {
      expect(print({ phase: 'Running', containerStatuses: [container({ terminated })] })[1]).toBe(text);
    },
  );

  test('shows the init container that is at work, waits or has failed', () => {
    const initContainers = [{ name: 'setup', image: 'x' }];
    const init = (state: object) =>
      print({ initContainerStatuses: [{ ...container(state), name: 'setup' }] }, { initContainers })[1];
    expect(init({ running: {} })).toBe('Init:0/1');
    expect(init({ waiting: { reason: 'ImagePullBackOff' } })).toBe('Init:ImagePullBackOff');
    expect(init({ terminated: { exitCode: 3, reason: 'Error' } })).toBe('Init:Error');
  });

  test('counts a sidecar among its containers', () => {
    const initContainers = [{ name: 'side', image: 'x', restartPolicy: 'Always' }];
    const side = { ...container({ running: {} }, { ready: true, started: true }), name: 'side' };
    expect(print({ initContainerStatuses: [side] }, { initContainers })[0]).toBe('1/2');
  });

  test('says when it was last restarted', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2030-01-01T00:09:30Z' } };
    const restarted = container({ waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 2, lastState });
    expect(print({ containerStatuses: [restarted] })).toEqual(['0/1', 'CrashLoopBackOff', '2 (30s ago)']);
  });

  test('is Terminating while it is being deleted, unless it has ended', () => {
    expect(print({ phase: 'Running' }, {}, true)[1]).toBe('Terminating');
    expect(print({ phase: 'Succeeded' }, {}, true)[1]).toBe('Succeeded');
  });
});
