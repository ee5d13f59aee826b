import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { z } from 'zod';
import { AppError } from '../../src/core/app-error.ts';
import { joinCluster } from '../../src/app/join-cluster.ts';
import { silent } from '../store/stage.ts';
import { until } from '../support/until.ts';

const entrySchema = z.looseObject({ msg: z.string(), reason: z.string().default('') });

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
  untilLogIsKept: async () => {},
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
    log: silent,
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
      log: silent,
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
    log: silent,
  });
  void membership.begin();
  await membership.stop();
  expect(membership.readiness().ready).toBe(false);
});

test('what keeps the cluster from being joined is in the log, once for each reason, and so is the end of it', async () => {
  const lines: string[] = [];
  const write = (line: string) => {
    const { msg, reason } = entrySchema.parse(JSON.parse(line));
    lines.push(`${msg}: ${reason}`);
  };
  const answers = ['Nobody answers.', 'Nobody answers.', 'The right is missing.'];
  const membership = joinCluster({
    identify: async () => {
      const answer = answers.shift();
      if (answer !== undefined) throw new AppError('unavailable', answer);
      return 'a-cluster';
    },
    bind: () => {},
    startLoops: () => running,
    log: pino({}, { write }),
  });
  await membership.begin();
  await until(() => membership.readiness().ready, { timeoutMs: 60_000 });
  await membership.stop();
  expect(lines).toEqual([
    'the cluster cannot be joined yet: Nobody answers.',
    'the cluster cannot be joined yet: The right is missing.',
    'the cluster is joined: ',
  ]);
});

test('a cluster that says nothing at all is told as such', async () => {
  const membership = joinCluster({
    identify: (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    bind: () => {},
    startLoops: () => running,
    log: silent,
    patienceMs: 20,
  });
  await membership.begin();
  expect(membership.readiness().degraded).toEqual(['The cluster does not answer within 0.02 s.']);
  await membership.stop();
});

test('a cluster that answers at once is not worth a word', async () => {
  const lines: string[] = [];
  const membership = joinCluster({
    identify: async () => 'a-cluster',
    bind: () => {},
    startLoops: () => running,
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  await membership.begin();
  await membership.stop();
  expect(lines).toEqual([]);
});
