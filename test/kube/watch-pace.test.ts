import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { toSeenJob } from '../../src/kube/observation.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus, startFakeApi } from './fake-api.ts';
import { listOf } from './watch-words.ts';

let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let done: Promise<void> | undefined;
/** When each list and each watch was asked for, in ms. */
let listedAt: number[];
let watchedAt: number[];

beforeEach(async () => {
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  stop = new AbortController();
  [listedAt, watchedAt] = [[], []];
});

afterEach(async () => {
  stop.abort();
  await done;
  await connection.close();
  await api.close();
});

type Answer = (response: ServerResponse) => void;

/** A reflector whose lists and watches are all answered so. */
function start({
  firstBackOffMs,
  listSpacingMs = 5,
  list,
  watch,
}: {
  firstBackOffMs: number;
  listSpacingMs?: number;
  list: Answer;
  watch: Answer;
}) {
  api.answer(({ query }, response) => {
    const isWatch = query.has('watch');
    (isWatch ? watchedAt : listedAt).push(performance.now());
    (isWatch ? watch : list)(response);
  });
  const reflector = startReflector({
    connection,
    path: '/apis/batch/v1/namespaces/jobs/jobs',
    labelSelector: 'app=x',
    project: toSeenJob,
    listener: { onUpsert: () => {}, onGone: () => {} },
    log: pino({ level: 'silent' }),
    signal: stop.signal,
    clock: () => new Date(),
    random: () => 0,
    pace: { firstBackOffMs, listSpacingMs },
  });
  done = reflector.done;
  return reflector;
}

/** Time on the way to the server may take a little off a pause. */
const onTheWayMs = 300;
const pausesOf = (times: number[]) => times.slice(1).map((at, n) => at - (times[n] ?? 0));

const accept: Answer = (response) => sendJson(response, 200, listOf([], '1'));
const refuse: Answer = (response) =>
  sendStatus(response, 429, 'TooManyRequests', { headers: { 'retry-after': '1' } });

test('a watch that is refused is asked for again when the server said', async () => {
  start({ firstBackOffMs: 1, list: accept, watch: refuse });
  await until(() => watchedAt.length === 3);
  expect(Math.min(...pausesOf(watchedAt))).toBeGreaterThan(1000 - onTheWayMs);
});

test('so is a list, also where somebody wants to look at once', async () => {
  const reflector = start({ firstBackOffMs: 1, list: refuse, watch: refuse });
  await until(() => reflector.status().restarts === 1);
  reflector.resync().catch(() => {});
  await until(() => listedAt.length === 2);
  expect(Math.min(...pausesOf(listedAt))).toBeGreaterThan(1000 - onTheWayMs);
});

const tooOld: Answer = (response) => sendStatus(response, 410, 'Expired');

test('a server that finds every place too old is asked ever more seldom', async () => {
  start({ firstBackOffMs: 200, list: accept, watch: tooOld });
  await until(() => listedAt.length === 4);
  expect(pausesOf(listedAt)[2]).toBeGreaterThan(800 - onTheWayMs);
});

test('and for lists never in a storm, however short the pauses', async () => {
  start({ firstBackOffMs: 1, listSpacingMs: 400, list: accept, watch: tooOld });
  await until(() => listedAt.length === 4);
  const [first = 0, , , last = 0] = listedAt;
  expect(last - first).toBeGreaterThan(1200 - onTheWayMs);
});
