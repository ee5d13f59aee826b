import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { readLog } from '../../src/kube/pod-log.ts';
import type { PodLogRequest } from '../../src/kube/pod-log.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus, startFakeApi } from './fake-api.ts';
import type { Handler } from './fake-api.ts';

const podPath = '/api/v1/namespaces/jobs/pods/p';

let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;
let stop: AbortController;

beforeEach(async () => {
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await api.close();
});

type Run = { restarts: number; isRunning: boolean };
const ended: Run = { restarts: 0, isRunning: false };
const running: Run = { restarts: 0, isRunning: true };

function toPod({ restarts, isRunning }: Run) {
  const startedAt = '2026-01-01T00:00:00Z';
  const state = isRunning ? { running: { startedAt } } : { terminated: { startedAt, exitCode: 0 } };
  return {
    metadata: {
      uid: 'u',
      name: 'p',
      namespace: 'jobs',
      creationTimestamp: startedAt,
      ownerReferences: [{ kind: 'Job', uid: 'j', controller: true }],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', restartCount: restarts, state }] },
  };
}

/** Requests for the pod are answered with these runs in turn, the last one again and again; null: it is gone. */
function serveLog(handler: Handler, ...runs: (Run | null | 'unavailable')[]) {
  let asked = 0;
  api.answer((request, response) => {
    if (request.path.endsWith('/log')) return handler(request, response);
    const run = runs.length === 0 ? ended : (runs[Math.min(asked++, runs.length - 1)] ?? null);
    if (run === null) sendStatus(response, 404, 'NotFound');
    else if (run === 'unavailable') sendStatus(response, 503, 'ServiceUnavailable');
    else sendJson(response, 200, toPod(run));
  });
}

function logRequests() {
  return api.requests.filter(({ path }) => path.endsWith('/log'));
}

/** Ends each stream cleanly, with these contents in turn. */
function inTurn(...contents: string[]): Handler {
  return (_request, response) => void response.end(contents[logRequests().length - 1] ?? '');
}

function log(request: Partial<PodLogRequest> = {}) {
  return readLog({ connection, podPath }, { pod: 'p', follow: false, ...request }, stop.signal);
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

test('asks for the main container, and for what the reader wants', async () => {
  serveLog((_request, response) => void response.end('one\ntwo\n'));
  expect(await textOf(log({ tail: 2, sinceTime: '2026-01-01T00:00:00Z', timestamps: true }))).toBe(
    'one\ntwo\n',
  );
  expect(Object.fromEntries(api.requests[0]?.query ?? [])).toEqual({
    container: 'main',
    follow: 'false',
    tailLines: '2',
    sinceTime: '2026-01-01T00:00:00Z',
    timestamps: 'true',
  });
});

test('a pod with no node has an empty log', async () => {
  serveLog((_request, response) => void response.writeHead(204).end());
  expect(await textOf(log())).toBe('');
  expect(await textOf(log({ follow: true }))).toBe('');
});

test.each([false, true])('a pod that is gone is not found (follow: %s)', async (follow) => {
  serveLog((_request, response) => sendStatus(response, 404, 'NotFound', { message: 'pods "p" not found' }));
  await expect(textOf(log({ follow }))).rejects.toMatchObject({ code: 'not-found' });
});

test.each([
  [false, 'is waiting to start: ContainerCreating'],
  [true, 'is waiting to start: ContainerCreating'],
  [false, 'is not available'],
])('a container that has not run is unavailable (follow: %s, %s)', async (follow, words) => {
  const message = `container "main" in pod "p" ${words}`;
  serveLog((_request, response) => sendStatus(response, 400, 'BadRequest', { message }));
  await expect(textOf(log({ follow }))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(words),
  });
  expect(logRequests()).toHaveLength(1);
});

test('a log that is cut is an error, and no crash', async () => {
  serveLog((_request, response) => {
    response.writeHead(200);
    response.write('one\n', () => response.socket?.destroy());
  });
  await expect(textOf(log())).rejects.toMatchObject({ code: 'unavailable' });
});

test('a follow that is cut goes on where it was, to the byte', async () => {
  const lines = [
    '2026-01-01T00:00:01.1Z one\n',
    '2026-01-01T00:00:01.1Z two\n',
    '2026-01-01T00:00:02.5Z three\n',
  ];
  let passes = 0;
  serveLog((_request, response) => {
    response.writeHead(200);
    passes += 1;
    if (passes === 1) response.write(lines.join('').slice(0, -3), () => response.socket?.destroy());
    else if (passes === 2) sendCut();
    else response.end(lines.slice(2).join(''));
    function sendCut() {
      response.socket?.destroy();
    }
  });
  expect(await textOf(log({ follow: true, tail: 3 }))).toBe('one\ntwo\nthree\n');
  expect(logRequests().map(({ query }) => [query.get('tailLines'), query.get('sinceTime')])).toEqual([
    ['3', null],
    [null, '2026-01-01T00:00:02Z'],
    [null, '2026-01-01T00:00:02Z'],
  ]);
});

test('a follow that ends while its container runs goes on where it was, until that has ended', async () => {
  const [one, two] = ['2026-01-01T00:00:01.1Z one\n', '2026-01-01T00:00:02.5Z two\n'];
  serveLog(inTurn(one + two.slice(0, -2), one + two), running, running, running, ended);
  expect(await textOf(log({ follow: true, tail: 9 }))).toBe('one\ntwo\n');
  expect(logRequests().map(({ query }) => query.get('sinceTime'))).toEqual([null, '2026-01-01T00:00:02Z']);
});

test('what a container says between a cut and its end is not lost', async () => {
  const [one, two] = ['2026-01-01T00:00:01Z one\n', '2026-01-01T00:00:02Z two\n'];
  serveLog(inTurn(one, one + two), running, running, ended);
  expect(await textOf(log({ follow: true }))).toBe('one\ntwo\n');
});

test.each([
  ['has begun', [{ restarts: 1, isRunning: true }]],
  ['begins before the end of this one is known', [running, { restarts: 1, isRunning: true }]],
  ['cannot come, for the pod is gone', [running, null]],
])("a follow leaves the next run's lines alone when that %s", async (_when, afterwards) => {
  serveLog(
    inTurn('2026-01-01T00:00:01Z one\n', '2026-01-01T00:00:03Z of the next run\n'),
    running,
    ...afterwards,
  );
  expect(await textOf(log({ follow: true }))).toBe('one\n');
  expect(logRequests()).toHaveLength(1);
});

test('a status that is not to be had is no end of the container', async () => {
  const [one, two] = ['2026-01-01T00:00:01Z one\n', '2026-01-01T00:00:02Z two\n'];
  serveLog(inTurn(one, one + two), running, 'unavailable', ended);
  expect(await textOf(log({ follow: true }))).toBe('one\ntwo\n');
});

test('a follow ends when its pod left while it was cut', async () => {
  serveLog((_request, response) => {
    if (logRequests().length > 1) return sendStatus(response, 404, 'NotFound');
    response.writeHead(200);
    response.write('2026-01-01T00:00:01Z one\n', () => response.socket?.destroy());
  });
  expect(await textOf(log({ follow: true }))).toBe('one\n');
});

test('lines come as they are written, and a reader who leaves closes the stream upstream', async () => {
  let isClosed = false;
  serveLog((_request, response) => {
    response.writeHead(200);
    response.write('2026-01-01T00:00:01Z one\n');
    response.on('close', () => (isClosed = true));
  });
  for await (const chunk of log({ follow: true })) {
    expect(chunk.toString()).toBe('one\n');
    break;
  }
  await until(() => isClosed);
});

test('a reader who is stopped gets the reason', async () => {
  serveLog((_request, response) => response.writeHead(200).flushHeaders());
  const reading = textOf(log({ follow: true }));
  await until(() => logRequests().length === 1);
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
});
