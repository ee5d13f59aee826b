import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { findFaults } from './checker.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const create = { method: 'POST', path: /\/jobs$/ } as const;
const deaf = { name: 'deaf', watch: true, path: /\/(jobs|pods)$/, times: 2 } as const;
const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;
let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterEach(() => rig.proxy.calm());

afterAll(() => rig.stop());

const creates = () =>
  rig.proxy.seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/jobs'));

/** Anew, with nothing in mind. */
async function restart(): Promise<void> {
  await rig.service.kill();
  rig.service.start();
  await rig.service.untilReady();
}

test('fault 5: a create whose answer is dropped is asked again under its name, and the Job of the first time is taken', async () => {
  // Else the watch would tell of the Job before the create is repeated.
  rig.proxy.inject({ ...deaf, action: { kind: 'fall-silent', afterEvents: 0 } });
  const dropped = rig.proxy.inject({ name: 'drop', ...create, times: 1, action: { kind: 'drop-answer' } });
  rig.service.start();
  await rig.service.untilReady();
  const { answers } = await rig.client.submit(keyed);
  await rig.untilRow(answers[0] ?? '', ({ state }) => state === 'CREATED');
  expect(dropped.hits()).toBe(1);
  expect(creates().map(({ code }) => code)).toEqual([201, 409]);
  await restart();
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 5: many creates that are answered with a reset, a 504 or very late make one Job each', async () => {
  rig.proxy.inject({ name: 'drop', ...create, times: 2, action: { kind: 'drop-answer' } });
  const timeout = { code: 504, reason: 'Timeout' };
  rig.proxy.inject({ name: '504', ...create, times: 2, action: { kind: 'answer-otherwise', with: timeout } });
  rig.proxy.inject({ name: 'late', ...create, times: 2, action: { kind: 'delay-answer', ms: 2000 } });
  await Promise.all(Array.from({ length: 12 }, () => rig.client.submit(keyed)));
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 5: a create that the server commits after its sender has died and asked again makes no second Job', async () => {
  const before = creates().length;
  const late = Promise.withResolvers<void>();
  const hold = { kind: 'hold', until: late.promise } as const;
  rig.proxy.inject({ name: 'slow', ...create, times: 1, action: hold });
  await rig.client.submit(keyed);
  await until(() => creates().length > before);
  await restart();
  await until(() => creates().some(({ code }, nth) => nth > before && code !== null));
  late.resolve();
  await until(() => creates().every(({ code }) => code !== null));
  expect(
    creates()
      .slice(before)
      .map(({ code }) => code),
  ).toEqual([409, 201]);
  expect(findFaults(await rig.conclude())).toEqual([]);
});

test('fault 12: a Job that is seen, run and ended before the answer to its create comes has the right row', async () => {
  rig.proxy.inject({ name: 'late', ...create, times: 1, action: { kind: 'delay-answer', ms: 3000 } });
  const { answers } = await rig.client.submit(keyed);
  const row = await rig.untilEnded(answers[0] ?? '');
  expect(row).toMatchObject({ state: 'SUCCEEDED' });
  expect(await rig.service.readyz()).toMatchObject({ status: 200 });
  const faults = findFaults(await rig.conclude());
  expect(faults).toEqual([]);
  expect(rig.service.logLines().filter((line) => line.includes('"level":50'))).toEqual([]);
});
