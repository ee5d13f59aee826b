import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/app/listen.ts';
import { startHttpSide } from '../http/http-side.ts';
import { until } from '../support/until.ts';
import { openRawClient } from './raw-client.ts';

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).toReversed()) await release();
});

async function start(patience: { headersMs?: number; requestMs?: number; answerMs?: number }) {
  const side = await startHttpSide({ patience: { ...patience, checkMs: 50 } });
  releases.push(() => side.stop());
  return side;
}

async function call(port: number, text: string) {
  const client = await openRawClient(port);
  releases.push(client.close);
  client.say(text);
  return client;
}

test('a head that never ends is given up with 408', async () => {
  const side = await start({ headersMs: 150 });
  const client = await call(side.port, 'GET /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 /);
});

test('a connection that says nothing at all is given up', async () => {
  const side = await start({ headersMs: 150 });
  const client = await call(side.port, '');
  await client.untilClosed();
});

test('a body that never ends is given up, and nothing of it is kept', async () => {
  const side = await start({ headersMs: 150, requestMs: 300 });
  const head =
    'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n';
  const client = await call(side.port, `${head}{"name":`);
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 408 /);
  expect(side.store.listJobs({ limit: 1 }).jobs).toEqual([]);
  expect(side.lines.join('')).not.toContain('"level":50');
});

test('an answer that nobody reads is given up', async () => {
  const answered = Promise.withResolvers<boolean>();
  const app = express().get('/', (_req, res) => {
    res.once('close', () => answered.resolve(res.writableFinished));
    res.send(Buffer.alloc(64 * 1024 * 1024));
  });
  const listener = await listen(app, { host: '127.0.0.1', port: 0, patience: { answerMs: 200 } });
  releases.push(() => listener.close());
  const client = await openRawClient(listener.port);
  releases.push(client.close);
  client.pause();
  client.say('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await answered.promise).toBe(false);
});

test("a job's history as a list is given up as well, when nobody reads it", async () => {
  const side = await start({ answerMs: 200 });
  const { id } = await side.submit();
  // Six bytes for each character: far more than the connection takes by itself.
  const message = '\x01'.repeat(4096);
  const reports = Array.from({ length: 1000 }, (_, nth) => ({ 'job-id': id, status: `${nth}`, message }));
  await side.store.groupCommit(() => {
    for (const report of reports) side.store.addReport(report);
  });
  const path = `/api/v1/jobs/${id}/events`;
  const client = await call(side.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  client.pause();
  await until(() => side.lines.some((line) => line.includes(`"path":"${path}"`)));
});

test('a stream that has nothing to say is not given up', async () => {
  const side = await startHttpSide({ patience: { answerMs: 100 } });
  releases.push(() => side.stop());
  const { id } = await side.submit();
  const client = await call(
    side.port,
    `GET /api/v1/jobs/${id}/logs?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  await until(() => client.heard().startsWith('HTTP/1.1 200 '));
  const quiet = await call(side.port, '');
  // By then the patience of the server is over for whatever it counts for.
  await quiet.untilClosed();
  side.podLogs.set(side.play.podName(id), ['at last\n']);
  side.play.created(id);
  side.play.pod(id);
  await until(() => client.heard().includes('at last'));
});
