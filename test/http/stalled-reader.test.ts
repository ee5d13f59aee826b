import { afterEach, expect, test } from '@jest/globals';
import { request as send } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import express from 'express';
import { listen } from '../../src/app/listen.ts';
import type { Listener } from '../../src/app/listen.ts';
import { pour, signalOf } from '../../src/handlers/stream.ts';

const open: { sockets: Socket[]; listeners: Listener[] } = { sockets: [], listeners: [] };
afterEach(async () => {
  for (const socket of open.sockets.splice(0)) socket.destroy();
  for (const listener of open.listeners.splice(0)) await listener.close();
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

async function serve(handler: express.RequestHandler): Promise<number> {
  const listener = await listen(express().get('/', handler), { host: '127.0.0.1', port: 0 });
  open.listeners.push(listener);
  return listener.port;
}

test('fault 23: a reader that takes nothing any more is dropped', async () => {
  let outcome: Promise<void> | undefined;
  const port = await serve((req, res) => {
    const signal = signalOf(res, new AbortController().signal);
    outcome = pour(endless(), { req, res, signal, stallMs: 100 });
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ port, host: '127.0.0.1' }, resolve).on('error', reject).end();
  });
  const lost = once(answer, 'error');
  await outcome;
  answer.resume();
  expect(await lost).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('a client that sends half a request does not hold up the stop', async () => {
  const listener = await listen(express().use(express.text({ type: '*/*' })), { host: '127.0.0.1', port: 0 });
  const socket = connect(listener.port, '127.0.0.1');
  open.sockets.push(socket);
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal');
  await once(socket, 'connect');
  const hungUp = once(socket, 'close');
  await listener.close();
  await hungUp;
});
