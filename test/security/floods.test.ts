import { afterEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { toAddressKey } from '../../src/app/client-address.ts';
import type { WebLimits } from '../../src/app/web-config.ts';
import { startHttpSide } from '../http/http-side.ts';
import { until } from '../support/until.ts';

type HttpSide = Awaited<ReturnType<typeof startHttpSide>>;

const sides: HttpSide[] = [];
const readers: AbortController[] = [];
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.abort();
  for (const side of sides.splice(0)) await side.stop();
});

async function start(limits: Partial<WebLimits>, trustedProxies: string[] = []): Promise<HttpSide> {
  const side = await startHttpSide({ limits, trustedProxies });
  sides.push(side);
  return side;
}

const post = (side: HttpSide, headers: Record<string, string> = {}) =>
  request(side.url).post('/api/v1/jobs').set(headers).send({ name: 'x' });

const report = (side: HttpSide, id: string, over: Record<string, unknown> = {}) =>
  request(side.url)
    .post('/status')
    .set('Authorization', `Bearer ${side.tokens.issue(id)}`)
    .send({ 'job-id': id, status: 'still busy', ...over });

async function open(side: HttpSide, path = '/api/v1/events', headers: Record<string, string> = {}) {
  const reader = new AbortController();
  readers.push(reader);
  const answer = await fetch(side.url + path, { signal: reader.signal, headers });
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    leave: () => reader.abort(),
  };
}

/** The statuses of so many requests, one after the other. */
async function statusesOf(count: number, send: () => request.Test): Promise<number[]> {
  const statuses = [];
  for (let sent = 0; sent < count; sent += 1) statuses.push((await send()).status);
  return statuses;
}

const accepted = (count: number) => Array<number>(count).fill(202);

describe('a flood of requests', () => {
  test('from one address is 429 with Retry-After beyond the limit, and nothing of it is stored', async () => {
    const side = await start({ requestsPerSecond: 1 });
    expect(await statusesOf(12, () => post(side))).toEqual([...accepted(10), 429, 429]);
    const refusal = await post(side)
      .expect(429)
      .expect('Content-Type', /application\/problem\+json/);
    expect(Number(refusal.headers['retry-after'])).toBeGreaterThan(0);
    expect(side.store.listJobs({ limit: 100 }).jobs).toHaveLength(10);
  });

  test('does not stop the probes of the kubelet, which may come from the same address', async () => {
    const side = await start({ requestsPerSecond: 1 });
    await statusesOf(11, () => post(side));
    await request(side.url).get('/healthz').expect(200);
    await request(side.url).get('/readyz').expect(200);
    await request(side.url).get('/metrics').expect(429);
  });

  test('is not hidden by a made-up X-Forwarded-For, which only a trusted proxy may send', async () => {
    const side = await start({ requestsPerSecond: 1 });
    let nth = 0;
    const send = () => post(side, { 'X-Forwarded-For': `203.0.113.${(nth += 1)}` });
    expect(await statusesOf(11, send)).toContain(429);
  });

  test('behind a trusted proxy is counted for each client', async () => {
    const side = await start({ requestsPerSecond: 1 }, ['127.0.0.0/8']);
    const from = (address: string) => () => post(side, { 'X-Forwarded-For': `198.51.100.1, ${address}` });
    expect(await statusesOf(11, from('203.0.113.1'))).toEqual([...accepted(10), 429]);
    expect(await statusesOf(1, from('203.0.113.2'))).toEqual([202]);
  });

  test('with one credential is refused wherever it comes from', async () => {
    const side = await start({ requestsPerSecond: 1 }, ['127.0.0.0/8']);
    let nth = 0;
    const showing = (token: string) => () =>
      post(side, { 'X-Forwarded-For': `203.0.113.${(nth += 1)}`, Authorization: `Bearer ${token}` });
    expect(await statusesOf(11, showing('stolen'))).toEqual([...accepted(10), 429]);
    expect(await statusesOf(1, showing('other'))).toEqual([202]);
  });

  test('with one credential is refused however that is written', async () => {
    const side = await start({ requestsPerSecond: 1 }, ['127.0.0.0/8']);
    let nth = 0;
    const from = () => ({ 'X-Forwarded-For': `203.0.113.${(nth += 1)}` });
    const showing = (token: string) => () =>
      post(side, { ...from(), Authorization: `Bearer ${' '.repeat(nth)}${token}`, Cookie: `nth=${nth}` });
    expect(await statusesOf(11, showing('stolen'))).toEqual([...accepted(10), 429]);
    const session = 'a'.repeat(43);
    const withCookie = () => post(side, { ...from(), Cookie: `nth=${nth}; jobspawn=${session}` });
    expect(await statusesOf(11, withCookie)).toEqual([...accepted(10), 429]);
  });

  test('is not spread over addresses by a proxy that writes ports, or nothing that is an address', async () => {
    const side = await start({ requestsPerSecond: 1 }, ['127.0.0.0/8']);
    let nth = 0;
    const from = (address: () => string) => () => post(side, { 'X-Forwarded-For': address() });
    expect(
      await statusesOf(
        11,
        from(() => `203.0.113.1:${(nth += 1)}`),
      ),
    ).toEqual([...accepted(10), 429]);
    expect(
      await statusesOf(
        11,
        from(() => `nonsense-${(nth += 1)}`),
      ),
    ).toEqual([...accepted(10), 429]);
  });

  test('of a worker is counted for its own address, whichever proxies are trusted', async () => {
    const limits = { requestsPerSecond: 1 };
    const side = await startHttpSide({ limits, trustedProxies: ['127.0.0.0/8'], side: 'workers' });
    sides.push(side);
    let nth = 0;
    const send = () =>
      request(side.url)
        .post('/status')
        .set('X-Forwarded-For', `203.0.113.${(nth += 1)}`);
    expect(await statusesOf(11, send)).toEqual([...Array<number>(10).fill(400), 429]);
  });

  test.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:0DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    ['[2001:db8:1:2::9]:5678', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['unknown', undefined],
    ['192.0.2.256', undefined],
    ['', undefined],
  ])('%s counts as %s', (ip, key) => {
    expect(toAddressKey(ip)).toBe(key);
  });
});

describe('a worker that reports without end', () => {
  test('is told to slow down, and others are heard as before', async () => {
    const side = await start({ reportsPerMinute: 3 });
    const chatty = await side.submit();
    const other = await side.submit();
    expect(await statusesOf(4, () => report(side, chatty.id))).toEqual([200, 200, 200, 429]);
    expect(side.store.findJob(chatty.id)?.reports).toHaveLength(3);
    await report(side, other.id).expect(200);
  });

  test('is heard when it says how it ended', async () => {
    const side = await start({ reportsPerMinute: 3 });
    const { id } = await side.submit();
    expect(await statusesOf(4, () => report(side, id))).toContain(429);
    await report(side, id, { status: 'SUCCESS' }).expect(200);
    expect(side.store.findJob(id)?.reports.at(-1)?.status).toBe('SUCCESS');
    expect(await statusesOf(61, () => report(side, id, { status: 'ERROR' }))).toContain(429);
  });

  test('is counted by the job as well, however many tasks it has', async () => {
    const side = await start({ reportsPerMinute: 1 });
    const { id } = await side.submit({ completions: 30, completionMode: 'Indexed' });
    let task = -1;
    const next = () => report(side, id, { task: (task += 1) });
    expect(await statusesOf(21, next)).toEqual([...Array<number>(20).fill(200), 429]);
  });

  test('is told so of tasks that there are not, which are nobody and have no allowance', async () => {
    const side = await start({ reportsPerMinute: 3 });
    const { id } = await side.submit();
    let task = 0;
    const madeUp = () => report(side, id, { task: (task += 1), status: 'SUCCESS' });
    expect(new Set(await statusesOf(70, madeUp))).toEqual(new Set([400]));
    await report(side, id).expect(200);
  });

  test('cannot be silenced by who has no token for its job', async () => {
    const side = await start({ reportsPerMinute: 3 });
    const { id } = await side.submit();
    const forged = () => request(side.url).post('/status').send({ 'job-id': id, status: 'x', token: 'no' });
    expect(await statusesOf(5, forged)).toEqual([401, 401, 401, 401, 401]);
    await report(side, id).expect(200);
  });
});

describe('thousands of readers', () => {
  test('from one address are 429 beyond the limit, until one of them leaves', async () => {
    const side = await start({ streamsPerAddress: 2 });
    const { id } = await side.submit();
    const first = await open(side);
    expect((await open(side, `/api/v1/jobs/${id}/logs?follow=true`)).status).toBe(200);
    expect(await open(side, `/api/v1/jobs/${id}/events?follow=true`)).toMatchObject({
      status: 429,
      retryAfter: '10',
    });
    first.leave();
    await until(async () => (await open(side)).status === 200);
  });

  test('from many addresses are 503 beyond the limit', async () => {
    const side = await startHttpSide({ limits: { streams: 2 }, trustedProxies: ['127.0.0.1'] });
    sides.push(side);
    const from = (address: string) => open(side, '/api/v1/events', { 'X-Forwarded-For': address });
    expect((await from('203.0.113.1')).status).toBe(200);
    expect((await from('203.0.113.2')).status).toBe(200);
    expect(await from('203.0.113.3')).toMatchObject({ status: 503, retryAfter: '10' });
  });

  test('are not those who read a history as a list', async () => {
    const side = await start({ streams: 1 });
    const { id } = await side.submit();
    await open(side);
    await request(side.url).get(`/api/v1/jobs/${id}/events`).expect(200);
    expect((await open(side, `/api/v1/jobs/${id}/events?follow=true`)).status).toBe(503);
  });

  test('that are too many do not keep anyone from submitting and reporting', async () => {
    const side = await start({ streams: 1 });
    await open(side);
    expect((await open(side)).status).toBe(503);
    await request(side.url).post('/api/v1/jobs').send({ name: 'x' }).expect(202);
    await request(side.url).get('/jobs').expect(200);
  });
});
