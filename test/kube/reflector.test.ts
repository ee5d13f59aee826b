import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { ServerResponse } from 'node:http';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { toSeenJob } from '../../src/kube/observation.ts';
import type { SeenJob } from '../../src/kube/observation.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus, startFakeApi } from './fake-api.ts';
import type { Received } from './fake-api.ts';
import { gone, job, listOf, sendEvent } from './watch-words.ts';

const path = '/apis/batch/v1/namespaces/jobs/jobs';
const pace = {
  pageSize: 2,
  firstBackOffMs: 10,
  longestBackOffMs: 40,
  listSpacingMs: 5,
  quietMs: 5000,
  soundMs: 5000,
};

let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;
let done: Promise<void> | undefined;
let told: string[];
/** What was logged, as pino writes it. */
let lines: string[];

beforeEach(async () => {
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  stop = new AbortController();
  told = [];
  lines = [];
});

afterEach(async () => {
  stop.abort();
  await done;
  await connection.close();
  await api.close();
});

function start(
  options: {
    pace?: Partial<typeof pace>;
    onUpsert?: (item: SeenJob) => void;
    onSynced?: () => void;
    clock?: () => Date;
  } = {},
) {
  const tell = (word: string) => (item: SeenJob) => {
    told.push(`${word} ${item.observation.uid}`);
    if (word === 'upsert') options.onUpsert?.(item);
  };
  const reflector = startReflector({
    connection,
    path,
    labelSelector: 'app=x',
    project: toSeenJob,
    listener: {
      onUpsert: tell('upsert'),
      onGone: tell('gone'),
      onSynced: () => (told.push('synced'), options.onSynced?.()),
    },
    log: pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
    signal: stop.signal,
    clock: options.clock ?? (() => new Date()),
    random: () => 0,
    pace: { ...pace, ...options.pace },
  });
  done = reflector.done;
  return reflector;
}

/** Answers lists in turn (the last one again and again), and hands each watch to the next of the scripts. */
function script({
  lists,
  watches,
}: {
  lists: unknown[];
  watches: ((response: ServerResponse, request: Received) => void)[];
}) {
  let [listed, watched] = [0, 0];
  api.answer((request, response) => {
    if (request.query.get('watch') !== 'true')
      return sendJson(response, 200, lists[Math.min(listed++, lists.length - 1)]);
    const next = watches[watched++];
    if (next === undefined) response.writeHead(200).flushHeaders();
    else next(response, request);
  });
}

function watchVersions(): (string | null)[] {
  return api.requests
    .filter(({ query }) => query.has('watch'))
    .map(({ query }) => query.get('resourceVersion'));
}

function listCount(): number {
  return api.requests.filter(({ query }) => !query.has('watch') && !query.has('continue')).length;
}

test('lists in pages, then watches from the version of the list', async () => {
  script({
    lists: [listOf([job('a', '1'), job('b', '2')], '7', 'next-page'), listOf([job('c', '3')], '7')],
    watches: [(response) => sendEvent(response, 'ADDED', job('d', '8'))],
  });
  const reflector = start();
  await until(() => told.includes('upsert d'));
  expect(told).toEqual(['upsert a', 'upsert b', 'upsert c', 'synced', 'upsert d']);
  const [first, second, watch] = api.requests;
  expect(Object.fromEntries(first?.query ?? [])).toEqual({ labelSelector: 'app=x', limit: '2' });
  expect(second?.query.get('continue')).toBe('next-page');
  expect(Object.fromEntries(watch?.query ?? [])).toMatchObject({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '7',
    timeoutSeconds: '240',
  });
  expect([...reflector.items().keys()]).toEqual(['a', 'b', 'c', 'd']);
  expect(reflector.status()).toMatchObject({ synced: true, restarts: 0, error: null });
});

test('takes up a watch that ended where it was, without a list', async () => {
  script({
    lists: [listOf([], '1')],
    watches: [
      (response) => {
        sendEvent(response, 'ADDED', job('a', '5'));
        sendEvent(response, 'BOOKMARK', { metadata: { resourceVersion: '9' } });
        response.end();
      },
      (response) => sendEvent(response, 'DELETED', job('a', '12')),
    ],
  });
  start();
  await until(() => told.includes('gone a'));
  expect(watchVersions()).toEqual(['1', '9']);
  expect(listCount()).toBe(1);
});

test('takes up a watch that was reset, even in the middle of an event', async () => {
  script({
    lists: [listOf([], '1')],
    watches: [
      (response) => {
        sendEvent(response, 'ADDED', job('a', '5'));
        response.write('{"type":"MODIF', () => response.socket?.destroy());
      },
      (response) => sendEvent(response, 'MODIFIED', job('a', '6')),
    ],
  });
  const reflector = start();
  await until(() => told.filter((word) => word === 'upsert a').length === 2);
  expect(watchVersions()).toEqual(['1', '5']);
  expect(reflector.status()).toMatchObject({ restarts: 1, error: null });
});

test.each([
  ['as a status', (response: ServerResponse) => sendStatus(response, 410, 'Expired')],
  ['in the stream', (response: ServerResponse) => (sendEvent(response, 'ERROR', gone), void response.end())],
])('lists anew after a 410 %s, and tells what is missing as gone', async (_how, expire) => {
  script({
    lists: [listOf([job('a', '1'), job('b', '2')], '3'), listOf([job('b', '2')], '9')],
    watches: [expire],
  });
  start();
  await until(() => told.filter((word) => word === 'synced').length === 2);
  expect(told).toEqual(['upsert a', 'upsert b', 'synced', 'upsert b', 'gone a', 'synced']);
  await until(() => watchVersions().length === 2);
  expect(watchVersions()).toEqual(['3', '9']);
});

const refuse = (response: ServerResponse) => sendStatus(response, 503, 'ServiceUnavailable');
const expire = (response: ServerResponse) => sendStatus(response, 410, 'Expired');

test('after an outage a 410 is listed soon: the pauses of the outage are over with it', async () => {
  script({ lists: [listOf([job('a', '1')], '3')], watches: [refuse, refuse, refuse, expire] });
  start();
  await until(() => told.filter((word) => word === 'synced').length === 2);
  const pauses = lines.map((line) => /"retryInMs":(\d+)/.exec(line)?.[1]);
  expect(pauses).toEqual(['10', '20', '40', '10']);
});

test('lists that fail after a sound watch are asked for less and less often', async () => {
  let lists = 0;
  api.answer(({ query }, response) => {
    if (!query.has('watch'))
      return lists++ === 0 ? sendJson(response, 200, listOf([], '1')) : refuse(response);
    response.writeHead(200).flushHeaders();
    setTimeout(() => response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`), 20);
  });
  start({ pace: { soundMs: 5 } });
  await until(() => lines.length === 5);
  const pauses = lines.map((line) => /"retryInMs":(\d+)/.exec(line)?.[1]);
  expect(pauses).toEqual(['10', '20', '40', '40', '40']);
});

test('starts a list over when its next page has expired', async () => {
  let pages = 0;
  api.answer(({ query }, response) => {
    if (query.has('watch')) return response.writeHead(200).flushHeaders();
    if (query.has('continue') && pages++ === 0) return sendStatus(response, 410, 'Expired');
    sendJson(
      response,
      200,
      query.has('continue') ? listOf([job('b', '2')], '3') : listOf([job('a', '1')], '3', 'more'),
    );
  });
  const reflector = start();
  await until(() => reflector.status().synced);
  expect(told).toEqual(['upsert a', 'upsert a', 'upsert b', 'synced']);
});

test('lists anew when the server has gone back in time', async () => {
  const details = { causes: [{ reason: 'ResourceVersionTooLarge' }] };
  script({
    lists: [listOf([job('a', '99')], '99'), listOf([], '5')],
    watches: [(response) => sendStatus(response, 504, 'Timeout', { details })],
  });
  start();
  await until(() => told.includes('gone a'));
  await until(() => watchVersions().length === 2);
  expect(watchVersions()).toEqual(['99', '5']);
});

test('a burst of events lets others have their turns', async () => {
  const turns = new Set<number>();
  let turn = 0;
  const nextTurn = () => {
    turn += 1;
    if (!stop.signal.aborted) setImmediate(nextTurn);
  };
  nextTurn();
  const burst = Array.from({ length: 200 }, (_, n) => ({
    type: 'ADDED',
    object: job(`a${n}`, String(n + 2)),
  }));
  script({
    lists: [listOf([], '1')],
    watches: [
      (response) => {
        response.writeHead(200);
        response.write(burst.map((event) => `${JSON.stringify(event)}\n`).join(''));
      },
    ],
  });
  start({ onUpsert: () => turns.add(turn) });
  await until(() => told.includes('upsert a199'));
  expect(turns.size).toBeGreaterThanOrEqual(20);
});

test('an object made again under its name is another one', async () => {
  script({
    lists: [listOf([job('first', '1', 'same')], '1')],
    watches: [
      (response) => {
        sendEvent(response, 'DELETED', job('first', '2', 'same'));
        sendEvent(response, 'ADDED', job('second', '3', 'same'));
      },
    ],
  });
  const reflector = start();
  await until(() => told.includes('upsert second'));
  expect(told).toEqual(['upsert first', 'synced', 'gone first', 'upsert second']);
  expect([...reflector.items().keys()]).toEqual(['second']);
});

test('fault 24: a listener that throws, and an object that cannot be read, cost no other event', async () => {
  script({
    lists: [listOf([job('a', '1')], '1')],
    watches: [
      (response) => {
        sendEvent(response, 'ADDED', { metadata: { uid: 'broken', resourceVersion: '2' } });
        sendEvent(response, 'ADDED', job('b', '3'));
      },
    ],
  });
  const reflector = start({
    onUpsert: ({ observation }) => {
      if (observation.uid === 'a') throw new Error('cannot bear it');
    },
    onSynced: () => {
      throw new Error('cannot bear that all is listed');
    },
  });
  await until(() => told.includes('upsert b'));
  expect(reflector.status()).toMatchObject({ faults: 3, restarts: 0, error: null });
});

test('tells when the last complete list came, and when the last sign of being current', async () => {
  const { promise: bookmark, resolve: sendBookmark } = Promise.withResolvers<void>();
  script({
    lists: [listOf([], '1')],
    watches: [
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        void bookmark.then(() => sendEvent(response, 'BOOKMARK', { metadata: { resourceVersion: '9' } }));
      },
    ],
  });
  let now = new Date('2026-01-01T00:00:00Z');
  const reflector = start({ clock: () => now });
  expect(reflector.status()).toMatchObject({ lastSyncAt: null, lastProofAt: null });
  await until(() => told.includes('synced'));
  expect(reflector.status()).toMatchObject({ lastSyncAt: now, lastProofAt: now });
  const syncedAt = now;
  now = new Date('2026-01-01T00:01:00Z');
  sendBookmark();
  await until(() => reflector.status().lastProofAt === now);
  expect(reflector.status().lastSyncAt).toBe(syncedAt);
});

test('an object that cannot be read is not taken for gone', async () => {
  script({
    lists: [listOf([job('a', '1')], '1'), listOf([{ metadata: { uid: 'a' } }], '2')],
    watches: [(response) => sendStatus(response, 410, 'Expired')],
  });
  start();
  await until(() => told.filter((word) => word === 'synced').length === 2);
  expect(told).not.toContain('gone a');
});

test('a watch without a byte is taken for half-open, and opened again', async () => {
  script({
    lists: [listOf([], '1')],
    watches: [
      (response) => response.writeHead(200).flushHeaders(),
      (response) => sendEvent(response, 'ADDED', job('a', '2')),
    ],
  });
  const reflector = start({ pace: { quietMs: 300 } });
  await until(() => told.includes('upsert a'));
  expect(listCount()).toBe(1);
  expect(reflector.status().restarts).toBe(1);
});

test('a want of rights shows in the status, and goes when the rights come', async () => {
  let isAllowed = false;
  api.answer((request, response) => {
    if (!isAllowed) return sendStatus(response, 403, 'Forbidden', { message: 'jobs.batch is forbidden' });
    if (request.query.has('watch')) response.writeHead(200).flushHeaders();
    else sendJson(response, 200, listOf([], '1'));
  });
  const reflector = start();
  await until(() => reflector.status().restarts > 2);
  expect(reflector.status()).toMatchObject({ synced: false, error: 'jobs.batch is forbidden' });
  isAllowed = true;
  await until(() => reflector.status().error === null);
  expect(reflector.status().synced).toBe(true);
});

test('a resync is over only when a list that began after it is complete', async () => {
  script({ lists: [listOf([job('a', '1')], '1'), listOf([], '2')], watches: [] });
  const reflector = start();
  await until(() => reflector.status().synced);
  await reflector.resync();
  expect(told).toEqual(['upsert a', 'synced', 'gone a', 'synced']);
  expect(reflector.items().size).toBe(0);
});

test('a resync asked for while a list is under way waits for the next one', async () => {
  let [lists, finishFirst] = [0, (): void => undefined];
  api.answer(({ query }, response) => {
    if (query.has('watch')) return response.writeHead(200).flushHeaders();
    lists += 1;
    if (lists > 1) return sendJson(response, 200, listOf([job('late', '2')], '2'));
    finishFirst = () => sendJson(response, 200, listOf([], '1'));
  });
  const reflector = start();
  await until(() => lists === 1);
  const resynced = reflector.resync();
  finishFirst();
  await resynced;
  expect(told).toEqual(['synced', 'upsert late', 'synced']);
});

test('a resync does not wait for the end of a back-off', async () => {
  let isDown = true;
  api.answer(({ query }, response) => {
    if (isDown) sendStatus(response, 503, 'ServiceUnavailable');
    else if (query.has('watch')) response.writeHead(200).flushHeaders();
    else sendJson(response, 200, listOf([job('a', '1')], '1'));
  });
  const reflector = start({ pace: { firstBackOffMs: 3_600_000, longestBackOffMs: 3_600_000 } });
  await until(() => reflector.status().restarts === 1);
  isDown = false;
  await reflector.resync();
  expect(told).toEqual(['upsert a', 'synced']);
});

test('ends with its signal, and rejects who waits for a list', async () => {
  api.answer(() => undefined);
  const reflector = start();
  const resynced = reflector.resync();
  stop.abort(new Error('the end'));
  await expect(resynced).rejects.toThrow('the end');
  await reflector.done;
});
