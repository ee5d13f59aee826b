import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { findFaults } from './checker.ts';
import { crashAt, crashPoints } from './crash-points.ts';
import { chooseSeed, createDice } from './dice.ts';
import { liveAndDie, submitOver } from './kill-loop.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';
import { startBadDay } from './weather.ts';

const seed = chooseSeed();
let rig: Rig;

beforeAll(async () => {
  rig = await startRig({ seed });
});

afterEach(async () => {
  await rig.service.kill();
});

afterAll(async () => {
  await rig.stop();
});

test.each(crashPoints)('fault 1: a process that dies %s leaves each job with one run', async (point) => {
  rig.service.start([crashAt(point, 2)]);
  const wish = { outcome: 'SUCCEEDED', speaks: true, handle: 'key' } as const;
  const orders = Promise.all([1, 2, 3].map(() => rig.client.submit(wish)));
  expect(await rig.service.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  rig.service.start();
  await orders;
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 2: a client whose answer died with the service repeats with its key, and gets the same job with one run', async () => {
  rig.service.start([crashAt('accepted, not answered')]);
  await rig.service.untilReady();
  const wish = { outcome: 'SUCCEEDED', handle: 'key' } as const;
  const order = rig.client.submit(wish);
  await rig.service.ended();
  rig.service.start();
  const asked = await order;
  expect(asked.tries).toBeGreaterThan(1);
  await rig.client.repeat(asked, wish);
  expect(new Set(asked.answers).size).toBe(1);
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 1: nothing is lost and nothing runs twice through seeded kills on a bad day', async () => {
  const [jobs, kills] = [70, 12];
  const dice = createDice(seed);
  startBadDay(rig.proxy);
  const orders = submitOver(rig, { jobs, ms: 12_000, dice: dice.fork() });
  for (let n = 0; n < kills; n += 1) await liveAndDie(rig, { dice, longestMs: 900 });
  rig.proxy.calm();
  rig.service.start();
  await orders;
  const verdict = await rig.conclude();
  expect({ seed, faults: findFaults(verdict) }).toEqual({ seed, faults: [] });
  expect(verdict.accepted).toBeGreaterThan(jobs / 2);
  expect([...rig.proxy.counts().values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(5);
});
