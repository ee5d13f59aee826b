import { expect, test } from '@jest/globals';
import { AppError } from '../../src/core/app-error.ts';
import { joinCluster } from '../../src/app/join-cluster.ts';
import { until } from '../support/until.ts';

const running = {
  readiness: () => ({
    ready: true,
    degraded: [],
    watches: null,
    observations: null,
    dispatch: null,
    loops: {},
  }),
  refreshPods: async () => true,
  stop: async () => {},
};

test('an unreachable cluster does not hold up the start, and is joined once it answers', async () => {
  let isUp = false;
  const bound: string[] = [];
  const membership = joinCluster({
    identify: async () => {
      if (!isUp) throw new AppError('unavailable', 'Nobody answers.');
      return 'a-cluster';
    },
    bind: (clusterId) => bound.push(clusterId),
    startLoops: () => running,
  });
  await membership.begin();
  expect(membership.readiness()).toMatchObject({
    ready: false,
    degraded: ['Nobody answers.'],
    watches: null,
  });
  isUp = true;
  await until(() => membership.readiness().ready);
  expect(bound).toEqual(['a-cluster']);
  await membership.stop();
});

test('another cluster than the one the database belongs to ends the service, at once or later', async () => {
  let isUp = true;
  const join = () =>
    joinCluster({
      identify: async () => {
        if (!isUp) throw new AppError('unavailable', 'Nobody answers.');
        return 'another';
      },
      bind: () => {
        throw new AppError('conflict', 'The database belongs elsewhere.');
      },
      startLoops: () => running,
    });
  await expect(join().begin()).rejects.toThrow('The database belongs elsewhere.');
  isUp = false;
  const late = join();
  await late.begin();
  isUp = true;
  await expect(late.failed).rejects.toThrow('The database belongs elsewhere.');
  await late.stop();
});

test('a stop does not wait for a cluster that never answers', async () => {
  const membership = joinCluster({
    identify: (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    bind: () => {},
    startLoops: () => running,
  });
  void membership.begin();
  await membership.stop();
  expect(membership.readiness().ready).toBe(false);
});
