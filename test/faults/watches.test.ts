import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { connectCluster } from '../../src/kube/connection.ts';
import { toSeenJob } from '../../src/kube/observation.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import { until } from '../support/until.ts';
import { findFaults } from './checker.ts';
import type { Action } from './fault-rules.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const resources = /\/(jobs|pods)$/;
const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;
const expired = { code: 410, reason: 'Expired', message: 'too old resource version' };
let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
  rig.service.start();
  await rig.service.untilReady();
});

afterEach(() => rig.proxy.calm());

afterAll(() => rig.stop());

/** Ends the watches that are open, so that the next ones meet the rules. */
async function cutWatches(): Promise<void> {
  await rig.proxy.down();
  await rig.proxy.up();
}

/** Jobs at a steady pace for some seconds, and the checker's word on them. */
async function workOn(jobs: number): Promise<string[]> {
  const orders = [];
  for (let n = 0; n < jobs; n += 1) {
    const order = await rig.client.submit({ ...keyed, seconds: 0.3 });
    orders.push(order);
    await rig.untilEnded(order.answers[0] ?? '');
  }
  return findFaults(await rig.conclude());
}

/** The shortest time between two lists of the same resource since then, in ms. Pages of one list do not count. */
function shortestListSpacing(since: number): number {
  const lists = rig.proxy.seen.filter(
    ({ method, path, isWatch, query, at }) =>
      method === 'GET' && resources.test(path) && !isWatch && !query.includes('continue=') && at > since,
  );
  const gaps = [...Map.groupBy(lists, ({ path }) => path).values()].flatMap((those) =>
    those.slice(1).map(({ at }, n) => at - (those[n]?.at ?? 0)),
  );
  return Math.min(Infinity, ...gaps);
}

test.each<[string, Action, number]>([
  ['are reset every second', { kind: 'cut', afterMs: 1000 }, Infinity],
  ['are answered with 410', { kind: 'answer', with: expired }, 4],
  [
    'tell in the stream that they expired',
    { kind: 'error-event', with: expired, afterEvents: 2, afterMs: 500 },
    4,
  ],
  [
    'tell in the stream of a timeout',
    { kind: 'error-event', with: { code: 504, reason: 'Timeout' }, afterEvents: 2, afterMs: 500 },
    4,
  ],
])('fault 11: watches that %s miss nothing, and lists are a second apart', async (_what, action, times) => {
  const hit = rig.proxy.inject({ name: 'watch', watch: true, path: resources, times, action });
  const since = performance.now();
  await cutWatches();
  expect(await workOn(4)).toEqual([]);
  await until(() => hit.hits() >= 4);
  expect(shortestListSpacing(since)).toBeGreaterThan(950);
});

test('fault 11: a list whose next page has expired is started over', async () => {
  const firstPage = JSON.stringify({
    kind: 'JobList',
    metadata: { resourceVersion: '1', continue: 'too-old' },
    items: [],
  });
  const list = { method: 'GET', path: /\/jobs$/, watch: false, times: 1 } as const;
  const next = rig.proxy.inject({
    name: 'continue: 410',
    ...list,
    query: /continue=too-old/,
    action: { kind: 'answer', with: expired },
  });
  rig.proxy.inject({
    name: 'first page',
    ...list,
    action: { kind: 'answer', with: { code: 200, body: firstPage } },
  });
  await rig.service.kill();
  rig.service.start();
  await rig.service.untilReady();
  expect(next.hits()).toBe(1);
  expect(await workOn(1)).toEqual([]);
});

test('fault 11: a watch that falls silent is found out by its silence, and what it kept back is seen', async () => {
  const connection = await connectCluster({ kind: 'kubeconfig', path: rig.proxy.kubeconfigPath });
  const stop = new AbortController();
  const seen = new Set<string>();
  const silent = rig.proxy.inject({
    name: 'half-open',
    watch: true,
    path: /\/jobs$/,
    query: /labelSelector=silent/,
    times: 1,
    action: { kind: 'fall-silent', afterEvents: 0 },
  });
  const reflector = startReflector({
    connection,
    path: '/apis/batch/v1/namespaces/default/jobs',
    labelSelector: 'silent!=yes',
    project: toSeenJob,
    listener: { onUpsert: ({ jobId }) => void seen.add(jobId ?? ''), onGone: () => {} },
    log: pino({ level: 'silent' }),
    signal: stop.signal,
    clock: () => new Date(),
    random: Math.random,
    pace: { quietMs: 1500 },
  });
  await until(() => silent.hits() === 1);
  const { answers } = await rig.client.submit(keyed);
  await rig.untilEnded(answers[0] ?? '');
  expect(seen.has(answers[0] ?? '')).toBe(false);
  await until(() => seen.has(answers[0] ?? ''));
  stop.abort();
  await reflector.done;
  await connection.close();
});
