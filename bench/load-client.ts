/**
 * A load generator that costs so little that the server is what is measured: requests are bytes beforehand, each connection has one under
 * way at a time, and of an answer only its status and its length are read.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { percentile } from './figures.ts';

const requestSchema = z.strictObject({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
});
export type LoadRequest = z.input<typeof requestSchema>;

export const loadOrderSchema = z.strictObject({
  url: z.url(),
  /** Sent in turn, over and over. */
  requests: z.array(requestSchema).min(1),
  connections: z.int().min(1),
  seconds: z.number().positive(),
  /** Sent at this pace, and timed from when each was due; undefined: each connection sends its next one once it has its answer. */
  perSecond: z.number().positive().optional(),
  expectedStatus: z.int(),
});
export type LoadOrder = z.input<typeof loadOrderSchema>;

/** At a pace, what is due so early is sent but not timed: it would be the start of the generator that is measured. */
const settlingMs = 250;

/** Times in ms. */
export const loadResultSchema = z.object({
  completed: z.int(),
  seconds: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
});
export type LoadResult = z.output<typeof loadResultSchema>;

/** Rejects on an answer with another status than the expected one: what is refused is not fast. */
export async function runLoad(order: z.output<typeof loadOrderSchema>): Promise<LoadResult> {
  const { hostname, port, host } = new URL(order.url);
  const messages = order.requests.map((request) => toMessage(request, host));
  const sockets = await Promise.all(
    Array.from({ length: order.connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const times: number[] = [];
  let [sent, completed] = [0, 0];
  const began = performance.now();
  const end = began + order.seconds * 1000;
  const dueAt = (nth: number) =>
    order.perSecond === undefined ? performance.now() : began + (nth * 1000) / order.perSecond;

  async function runConnection(socket: Socket): Promise<void> {
    const exchange = createExchange(socket);
    for (;;) {
      const due = dueAt(sent);
      if (due >= end) return;
      const message = messages[sent % messages.length] ?? '';
      sent += 1;
      const early = due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const answer = await exchange(message);
      completed += 1;
      if (order.perSecond === undefined || due >= began + settlingMs) times.push(performance.now() - due);
      if (answer.status !== order.expectedStatus)
        throw new Error(`answered with ${answer.status}: ${answer.text}`);
    }
  }

  try {
    await Promise.all(sockets.map(runConnection));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const seconds = (performance.now() - began) / 1000;
  const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((share) => percentile(times, share));
  return { completed, seconds, p50, p95, p99 };
}

function toMessage({ method, path, headers, body }: z.output<typeof requestSchema>, host: string): string {
  const all = { host, ...headers, 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

type Answer = { status: number; text: string };

/** One request and its answer at a time. Answers must tell their length, as all that are made by `res.json` do. */
function createExchange(socket: Socket) {
  let received = '';
  let waiting: PromiseWithResolvers<Answer> | null = null;
  const fail = (error: Error) => waiting?.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server has closed the connection')));
  // As latin1 a character is a byte, so that lengths are right whatever the bytes mean.
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    const headLength = received.indexOf('\r\n\r\n') + 4;
    if (headLength < 4) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
    if (length === undefined) return fail(new Error('the answer does not tell its length'));
    if (received.length < headLength + Number(length)) return;
    const answer = { status: Number(received.slice(9, 12)), text: received.slice(headLength) };
    received = '';
    waiting?.resolve(answer);
  });
  return (message: string): Promise<Answer> => {
    waiting = Promise.withResolvers();
    socket.write(message);
    return waiting.promise;
  };
}
