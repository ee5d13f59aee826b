import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { readLog } from '../../src/kube/pod-log.ts';
import type { PodLogRequest } from '../../src/kube/pod-log.ts';
import { until } from '../support/until.ts';
import { sendStatus, startFakeApi } from './fake-api.ts';

const path = '/api/v1/namespaces/jobs/pods/p/log';

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

function log(request: Partial<PodLogRequest> = {}) {
  return readLog({ connection, path }, { pod: 'p', follow: false, ...request }, stop.signal);
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

test('asks for the main container, and for what the reader wants', async () => {
  api.answer((_request, response) => void response.end('one\ntwo\n'));
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
  api.answer((_request, response) => void response.writeHead(204).end());
  expect(await textOf(log())).toBe('');
  expect(await textOf(log({ follow: true }))).toBe('');
});

test.each([false, true])('a pod that is gone is not found (follow: %s)', async (follow) => {
  api.answer((_request, response) =>
    sendStatus(response, 404, 'NotFound', { message: 'pods "p" not found' }),
  );
  await expect(textOf(log({ follow }))).rejects.toMatchObject({ code: 'not-found' });
});

test.each([false, true])('a container that waits to start is unavailable (follow: %s)', async (follow) => {
  const message = 'container "main" in pod "p" is waiting to start: ContainerCreating';
  api.answer((_request, response) => sendStatus(response, 400, 'BadRequest', { message }));
  await expect(textOf(log({ follow }))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('waiting to start'),
  });
  expect(api.requests).toHaveLength(1);
});

test('a log that is cut is an error, and no crash', async () => {
  api.answer((_request, response) => {
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
  api.answer((_request, response) => {
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
  expect(api.requests.map(({ query }) => [query.get('tailLines'), query.get('sinceTime')])).toEqual([
    ['3', null],
    [null, '2026-01-01T00:00:02Z'],
    [null, '2026-01-01T00:00:02Z'],
  ]);
});

test('a follow ends when its pod left while it was cut', async () => {
  api.answer((_request, response) => {
    if (api.requests.length > 1) return sendStatus(response, 404, 'NotFound');
    response.writeHead(200);
    response.write('2026-01-01T00:00:01Z one\n', () => response.socket?.destroy());
  });
  expect(await textOf(log({ follow: true }))).toBe('one\n');
});

test('lines come as they are written, and a reader who leaves closes the stream upstream', async () => {
  let isClosed = false;
  api.answer((_request, response) => {
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
  api.answer((_request, response) => response.writeHead(200).flushHeaders());
  const reading = textOf(log({ follow: true }));
  await until(() => api.requests.length === 1);
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
});
