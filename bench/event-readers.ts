/**
 * Many readers of the event stream in one process, which also sends the reports that they wait for: so both ends are timed by one clock.
 * An order as JSON on stdin, what came of it as JSON on stdout.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../test/support/until.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { eventOrderSchema } from './event-order.ts';
import { percentile } from './figures.ts';

const { url, pid, readers, perSecond, alone, counted, first } = eventOrderSchema.parse(
  await json(process.stdin),
);
type Reports = typeof counted;
const { hostname, port, host } = new URL(url);
const sentAt = new Map<string, number>();
let times: number[] = [];

async function openReader(): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port) }).setEncoding('latin1');
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [string];
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`a reader was refused: ${head.slice(0, 80)}`);
  let begun = '';
  socket.on('data', (chunk: string) => {
    const events = (begun + chunk).split('\n\n');
    begun = events.pop() ?? '';
    for (const event of events) {
      const message = /"message":"([^"]+)"/.exec(event)?.[1];
      const sent = message === undefined ? undefined : sentAt.get(message);
      if (sent !== undefined) times.push(performance.now() - sent);
    }
  });
  return socket;
}

async function send({ message, headers, body }: Reports[number]): Promise<void> {
  sentAt.set(message, performance.now());
  const answer = await fetch(`${url}/status`, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new Error(`a report was refused: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

const sockets: Socket[] = [];

/** Sends all at their pace, and waits for them at every reader. Processor time of the server for each, in us. */
async function tell(reports: Reports): Promise<number> {
  times = [];
  const cpuBefore = cpuMilliseconds(pid);
  const began = performance.now();
  for (const [nth, report] of reports.entries()) {
    await delay(Math.max(0, began + (nth * 1000) / perSecond - performance.now()));
    await send(report);
  }
  const expected = sockets.length * reports.length;
  await until(() => times.length >= expected, { timeoutMs: 30_000, everyMs: 5 });
  return ((cpuMilliseconds(pid) - cpuBefore) * 1000) / reports.length;
}

sockets.push(await openReader());
await tell(first.slice(0, 1));
const cpuAlone = await tell(alone);
// One after the other: it is not connecting that is measured.
while (sockets.length < readers) sockets.push(await openReader());
await tell(first.slice(1));
const cpuTogether = await tell(counted);
const cpu = (cpuTogether - cpuAlone) / (readers - 1);
console.log(
  JSON.stringify({ p50: percentile(times, 0.5), p99: percentile(times, 0.99), alone: cpuAlone, cpu }),
);
for (const socket of sockets) socket.destroy();
