import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { toldEventsSchema } from './event-record.ts';
import { measureProcess } from './process-size.ts';
import { end, run } from './quick-cluster.ts';
import { startQuickRig } from './quick-rig.ts';
import type { QuickRig } from './quick-rig.ts';

const megabyte = 1024 * 1024;
/** All that a terminal, a browser or a decoder could trip over. */
const nasty = Buffer.concat([
  Buffer.from('\u001b]0;title\u0007\u001b[2J\u001b[31mred\u001b[0m \r\u0000 '),
  Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
  Buffer.from('<script>alert(document.cookie)</script>\n'),
]);
const longLine = Buffer.alloc(megabyte, 'x').fill('\n', megabyte - 1);
const usualLine = Buffer.alloc(8 * 1024, 'log ').fill('\n', 8 * 1024 - 1);
/** About 320 MB in all; who held it whole, or let what a reader does not take pile up, would hold more than this. */
const usualLines = 40_000;
const mostMegabytes = 240;

let rig: QuickRig;
const poured = { bytes: 0 };

beforeAll(async () => {
  rig = await startQuickRig({
    onCreate: run,
    writeLog: (response, { pod, stamped }) => void pour(response, { pod, stamped }),
  });
  rig.service.start();
  await rig.service.untilReady();
});

afterAll(async () => {
  await rig.stop();
});

function* lines(): Generator<Buffer> {
  yield nasty;
  yield longLine;
  for (let n = 0; n < usualLines; n += 1) yield usualLine;
}

/** As fast as it is taken; the container has ended with its last line. */
async function pour(
  response: ServerResponse,
  { pod, stamped }: { pod: string; stamped: boolean },
): Promise<void> {
  const stamp = Buffer.from('2026-01-01T00:00:00.000000001Z ');
  for (const line of lines()) {
    if (response.destroyed) return;
    poured.bytes += line.length;
    const whole = stamped ? Buffer.concat([stamp, line]) : line;
    if (response.write(whole)) continue;
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    response.once('drain', resolve);
    // Whoever has gone away takes nothing any more, and no next line is asked for.
    await taken;
    response.off('drain', resolve);
  }
  const { shelves } = rig.cluster;
  const job = shelves.find('jobs', pod.replace(/-x7k2p$/, ''));
  if (job !== undefined) end(shelves, job);
  response.end();
}

async function openLog(id: string): Promise<IncomingMessage> {
  const request = get(`${rig.service.url}/api/v1/jobs/${id}/logs?follow=true`);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
}

const size = () => measureProcess(rig.service.pid())?.megabytes ?? 0;

/** The largest that the process was while this went on, above what it was before, in MB. */
async function measureGrowth(work: () => Promise<unknown>): Promise<number> {
  const before = size();
  let largest = before;
  const timer = setInterval(() => (largest = Math.max(largest, size())), 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return largest - before;
}

test('fault 22: a huge log passes through whole, byte by byte, in bounded memory, and as nothing that a browser would run', async () => {
  const id = await rig.submit();
  await rig.untilState(id, 'RUNNING');
  const expected = createHash('sha256');
  for (const line of lines()) expected.update(line);
  const got = createHash('sha256');
  const growth = await measureGrowth(async () => {
    const answer = await openLog(id);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    answer.on('data', (chunk: Buffer) => got.update(chunk));
    await once(answer, 'end');
    // It is read once more, to be kept.
    await until(() => isLogKept(id), { timeoutMs: 60_000 });
  });
  expect(got.digest('hex')).toBe(expected.digest('hex'));
  expect(growth).toBeLessThan(mostMegabytes);
  const kept = await fetch(`${rig.service.url}/api/v1/jobs/${id}/logs`);
  expect((await kept.arrayBuffer()).byteLength).toBeLessThanOrEqual(megabyte);
});

test('fault 22: a reader that stops reading costs no memory, and when it goes away the log is read no more', async () => {
  const id = await rig.submit();
  await rig.untilState(id, 'RUNNING');
  poured.bytes = 0;
  const growth = await measureGrowth(async () => {
    const answer = await openLog(id);
    answer.once('error', () => {});
    await once(answer, 'readable');
    // Nothing is taken any more, so that what is under way fills up to where it stands still.
    await until(async () => {
      const before = poured.bytes;
      await delay(300);
      return before === poured.bytes;
    });
    expect(rig.cluster.openLogs()).toBe(1);
    answer.destroy();
    await until(() => rig.cluster.openLogs() === 0);
  });
  expect(poured.bytes).toBeLessThan(mostMegabytes * megabyte);
  expect(growth).toBeLessThan(mostMegabytes);
});

async function isLogKept(id: string): Promise<boolean> {
  const answer = await fetch(`${rig.service.url}/api/v1/jobs/${id}/events`);
  return toldEventsSchema.parse(await answer.json()).events.some(({ kind }) => kind === 'log');
}
