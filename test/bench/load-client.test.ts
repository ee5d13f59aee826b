import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { loadOrderSchema, runLoad } from '../../bench/load-client.ts';
import type { LoadOrder } from '../../bench/load-client.ts';

let server: Server;

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<string> {
  server = createServer((req, res) => void answer(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}`;
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const load = ({
  connections = 3,
  ...order
}: Omit<LoadOrder, 'connections' | 'expectedStatus'> & { connections?: number }) =>
  runLoad(loadOrderSchema.parse({ connections, expectedStatus: 202, ...order }));

test('requests are sent in turn over connections that stay, whole, and each is answered before the next', async () => {
  const seen: string[] = [];
  const connections = new Set();
  const url = await serve(async (req, res) => {
    connections.add(req.socket);
    seen.push(`${req.method} ${req.url} ${String(req.headers['x-nth'])} ${await text(req)}`);
    res.writeHead(202, { 'content-length': 3 }).write('é');
    setImmediate(() => res.end('!'));
  });
  const requests = ['1', '2'].map((nth) => ({
    method: 'POST',
    path: `/${nth}`,
    headers: { 'x-nth': nth },
    body: `é${nth}`,
  }));
  const { completed, p50, p99 } = await load({ url, requests, seconds: 0.2 });
  expect(completed).toBe(seen.length);
  expect(new Set(seen)).toEqual(new Set(['POST /1 1 é1', 'POST /2 2 é2']));
  const firsts = seen.filter((line) => line.startsWith('POST /1')).length;
  expect(firsts).toBe(Math.ceil(seen.length / 2));
  expect(connections.size).toBe(3);
  expect(p50).toBeLessThanOrEqual(p99);
});

test('at a pace no more is sent than is due', async () => {
  const url = await serve((_req, res) => res.writeHead(202, { 'content-length': 0 }).end());
  const { completed } = await load({
    url,
    requests: [{ method: 'GET', path: '/' }],
    seconds: 0.3,
    perSecond: 100,
  });
  expect(completed).toBe(30);
});

test('at a pace, what is due in the first quarter of a second is sent and not timed', async () => {
  let seen = 0;
  const url = await serve((_req, res) => {
    seen += 1;
    const answer = () => res.writeHead(202, { 'content-length': 0 }).end();
    if (seen <= 5) setTimeout(answer, 3000);
    else answer();
  });
  const { completed, p99 } = await load({
    url,
    requests: [{ method: 'GET', path: '/' }],
    connections: 10,
    seconds: 0.5,
    perSecond: 20,
  });
  expect(completed).toBe(10);
  expect(p99).toBeLessThan(3000);
});

test('a status that was not expected breaks the load off', async () => {
  const url = await serve((_req, res) => res.writeHead(503, { 'content-length': 4 }).end('full'));
  const loading = load({ url, requests: [{ method: 'GET', path: '/' }], seconds: 5 });
  await expect(loading).rejects.toThrow('answered with 503: full');
});

test('a connection that the server closes breaks the load off', async () => {
  const url = await serve((req) => req.socket.destroy());
  const loading = load({ url, requests: [{ method: 'GET', path: '/' }], seconds: 5 });
  await expect(loading).rejects.toThrow(/closed the connection|ECONNRESET/);
});
