import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/app/listen.ts';
import type { FindPerson } from '../../src/app/oidc.ts';
import { createStreamLimit } from '../../src/app/stream-limit.ts';
import { signalOf } from '../../src/handlers/stream.ts';
import { openRawClient } from '../security/raw-client.ts';
import { until } from '../support/until.ts';
import { startHttpSide } from './http-side.ts';

const auth = { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined } as const;
const people = new Map([
  ['the.hasty.one', { name: 'hasty@example.com', role: 'viewer' as const }],
  ['the.calm.one', { name: 'calm@example.com', role: 'viewer' as const }],
]);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** An HTTP side for one stream at a time, and an issuer that says nothing before it is told to. */
async function start() {
  const asked: string[] = [];
  const answering = Promise.withResolvers<void>();
  const findPerson: FindPerson = async (idToken) => {
    asked.push(idToken);
    await answering.promise;
    return people.get(idToken);
  };
  const side = await startHttpSide({ auth, findPerson, limits: { streams: 1 }, recheckMs: 10 });
  const answer = () => answering.resolve();
  stops.push(() => side.stop(), answer);
  const countAsked = (idToken: string) => asked.filter((each) => each === idToken).length;

  /** Asks for a stream, and hangs up before the issuer has said who that was. */
  async function comeAndGo(idToken: string): Promise<void> {
    const client = await openRawClient(side.port);
    client.say(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${idToken}\r\n\r\n`);
    await until(() => countAsked(idToken) > 0);
    client.close();
    await until(() => side.lines.some((line) => line.includes('/api/v1/events')));
  }

  async function follow(idToken: string): Promise<number> {
    const leave = new AbortController();
    stops.push(() => leave.abort());
    const headers = { Authorization: `Bearer ${idToken}` };
    return (await fetch(`${side.url}/api/v1/events`, { headers, signal: leave.signal })).status;
  }

  return { side, answer, countAsked, comeAndGo, follow };
}

test('who leaves while the issuer is asked leaves no stream behind, and is not asked for again', async () => {
  const { answer, countAsked, comeAndGo, follow } = await start();
  await comeAndGo('the.hasty.one');
  answer();
  expect(await follow('the.calm.one')).toBe(200);
  await until(() => countAsked('the.calm.one') > 5);
  expect(countAsked('the.hasty.one')).toBe(1);
});

test('a stranger takes no place of those who are let in', async () => {
  const { answer, countAsked, follow } = await start();
  const strange = follow('a.strange.one');
  await until(() => countAsked('a.strange.one') > 0);
  const known = follow('the.calm.one');
  await until(() => countAsked('the.calm.one') > 0);
  // Both are told at once, so the stranger is still there when the other one comes in.
  answer();
  expect([await strange, await known]).toEqual([401, 200]);
});

test('what looks at nobody waits for no issuer', async () => {
  const { side, countAsked } = await start();
  for (const path of ['/healthz', '/metrics']) {
    const answer = await fetch(side.url + path, { headers: { Authorization: 'Bearer the.calm.one' } });
    expect([path, answer.status]).toEqual([path, 200]);
  }
  expect(countAsked('the.calm.one')).toBe(0);
});

test('an answer that is over takes no place, and what it would have held is let go', async () => {
  const takeStream = createStreamLimit({ streams: 1, streamsPerAddress: 1 });
  const outcome = Promise.withResolvers<boolean>();
  const app = express().get('/', (req, res) => {
    res.once('close', () => {
      takeStream(req, res);
      takeStream(req, res);
      outcome.resolve(signalOf(res, new AbortController().signal).aborted);
    });
    res.end();
  });
  const listener = await listen(app, { host: '127.0.0.1', port: 0 });
  stops.push(() => listener.close());
  await fetch(`http://127.0.0.1:${listener.port}/`);
  expect(await outcome.promise).toBe(true);
});
