import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { z } from 'zod';
import { startHttpSide } from '../http/http-side.ts';
import { until } from '../support/until.ts';
import { openRawClient } from './raw-client.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

/** Without a client's own tidying: the target goes out as it is. */
async function get(target: string): Promise<{ status: number; text: string }> {
  const client = await openRawClient(side.port);
  client.say(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const text = await client.untilClosed();
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text };
}

const tricks = [
  '..',
  '../..',
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2fpackage.json',
  '..%2fpackage.json',
  '..%5cpackage.json',
  '..;/package.json',
  '%252e%252e%252fpackage.json',
  '.%00./package.json',
  '%c0%ae%c0%ae/package.json',
  '%ff',
  '%',
  '%u002e%u002e/package.json',
  '\u2024\u2024/package.json',
  '\uff0e\uff0e/package.json',
  '//etc/passwd',
  '/etc/passwd',
];

describe('a path trick', () => {
  test.each(tricks)('such as %s reaches no file and no other route', async (trick) => {
    for (const base of ['/assets/', '/assets/pico/', '/assets/swagger-ui/', '/jobs/', '/api/v1/jobs/']) {
      const { status, text } = await get(`${base}${trick}`);
      expect(text).not.toMatch(/"dependencies"|root:x:|SQLite format/);
      expect([base, status]).toEqual([base, status === 400 ? 400 : 404]);
    }
  });

  test.each([
    '..',
    '.',
    '../x',
    'a/../b',
    '%2e%2e',
    'a%2fb',
    'ａ',
    'a\u0000b',
    'a\nb',
    '-a',
    'a.',
    'é',
    'a'.repeat(64),
  ])('is no id for a job: %j', async (id) => {
    await request(side.url).post('/api/v1/jobs').send({ name: 'x', id }).expect(400);
  });

  test.each(['../../etc/passwd', '%2e%2e%2fsecrets', '..', '/', 'ｊｏｂ/．．', '\u202egnp.exe', 'a?b#c'])(
    'in a free name stays out of every Kubernetes name and address: %s',
    async (name) => {
      const { id, kubernetes } = await side.submit({ name });
      expect(kubernetes.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      const { text } = await request(side.url).get(`/jobs/${id}`).expect(200);
      const addresses = [...text.matchAll(/(?:href|action|src)="([^"]*)"/g)].map(
        ([, address]) => address ?? '',
      );
      expect(addresses.filter((address) => !/^\/[a-zA-Z0-9/._?=&;-]*$|^#main$/.test(address))).toEqual([]);
    },
  );
});

const untouched = () => {
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
};

describe('an attempt on the prototype of all objects', () => {
  test.each([
    '{"name":"x","__proto__":{"polluted":1}}',
    '{"name":"x","constructor":{"prototype":{"polluted":1}}}',
    '{"name":"x","env":{"__proto__":"1"}}',
    '{"name":"x","resources":{"__proto__":{"polluted":1}}}',
    '{"__proto__":{"name":"x"}}',
  ])('by JSON is a fault: %s', async (body) => {
    const before = side.store.lastSeq();
    await request(side.url).post('/api/v1/jobs').type('json').send(body).expect(400);
    expect(side.store.lastSeq()).toBe(before);
    untouched();
  });

  test.each([
    'name=x&__proto__[polluted]=1',
    'name=x&constructor[prototype][polluted]=1',
    'name[__proto__][polluted]=1',
    'name=x&env=__proto__=1',
  ])('by form is a fault: %s', async (body) => {
    const before = side.store.lastSeq();
    await request(side.url).post('/jobs').type('form').send(body).expect(400);
    expect(side.store.lastSeq()).toBe(before);
    untouched();
  });

  test('by the one name that the reader of forms drops by itself comes to nothing', async () => {
    const answer = await request(side.url).post('/jobs').type('form').send('name=x&__proto__=1').expect(303);
    const { text } = await request(side.url).get(`/api/v1${answer.headers['location']}`).expect(200);
    expect(text).not.toContain('__proto__');
    untouched();
  });

  test.each(['__proto__[polluted]=1', 'constructor.prototype.polluted=1', '__proto__=1'])(
    'by query is a fault: %s',
    async (query) => {
      await request(side.url).get(`/api/v1/jobs?${query}`).expect(400);
      untouched();
    },
  );

  test.each([
    'settings[view options][outputFunctionName]=x;throw 1;//',
    'settings[view options][client]=1&settings[view options][escapeFunction]=throw 1',
    'cache=&_locals=1&filename=/etc/passwd',
    'layout=../../package.json',
  ])('and of the settings of the pages is refused, and the form comes back: %s', async (body) => {
    const answer = await request(side.url)
      .post('/jobs')
      .type('form')
      .set('Accept', 'text/html')
      .send(body)
      .expect(400);
    expect(answer.text).toContain('Run a job');
    expect(answer.text).not.toContain('"dependencies"');
  });

  test('in the result of a report stays what it is: text of that job', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    const body = `{"job-id":"${id}","status":"x","result":{"__proto__":{"polluted":1}}}`;
    const token = side.tokens.issue(id);
    await request(side.url).post('/status').auth(token, { type: 'bearer' }).type('json').send(body);
    await request(side.url).get(`/jobs/${id}`).expect(200);
    untouched();
  });
});

const line = z.looseObject({ level: z.int(), msg: z.string() });

describe('a line end', () => {
  test('in a path, a header or a body makes no line of its own in the log', async () => {
    const forged = '{"level":60,"msg":"forged"}';
    const from = side.lines.length;
    await get(`/jobs/%0a${encodeURIComponent(forged)}%0d%0a`);
    await get(`/jobs/${encodeURIComponent('\u2028x')}`);
    const bad = request(side.url)
      .post('/api/v1/jobs')
      .set('X-Forwarded-For', forged)
      .set('User-Agent', forged);
    await bad.send({ name: `x\n${forged}` }).expect(400);
    await until(() => side.lines.length >= from + 3);
    for (const text of side.lines) {
      expect(text.trimEnd()).not.toMatch(/[\r\n]/);
      expect(line.parse(JSON.parse(text)).msg).not.toBe('forged');
    }
  });

  test('in an id, a key or a query ends no header of an answer', async () => {
    const split = 'x%0d%0aSet-Cookie:%20sid=forged';
    for (const target of [
      `/jobs/${split}`,
      `/api/v1/jobs/${split}`,
      `/${split}`,
      `/jobs?q=${split}`,
      `/favicon.ico?${split}`,
    ])
      expect((await get(target)).text.split('\r\n\r\n')[0]).not.toMatch(/^Set-Cookie:/im);
    const ids = await request(side.url)
      .post('/api/v1/jobs')
      .send({ name: 'x', id: 'x\r\nSet-Cookie: sid=forged' });
    expect(ids.status).toBe(400);
    expect(ids.headers['set-cookie']).toBeUndefined();
  });

  test('in a report makes no event of its own in the stream', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    const forged = 'x\n\nid: 1\ndata: {"forged":true}\r\r\u2028event: x\n\n';
    const token = side.tokens.issue(id);
    const words = { 'job-id': id, status: 'working', message: forged };
    await request(side.url).post('/status').auth(token, { type: 'bearer' }).send(words).expect(200);
    const client = await openRawClient(side.port);
    client.say(`GET /api/v1/jobs/${id}/events?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until(() => client.heard().includes('forged'));
    client.close();
    const lines = client.heard().split(/\r\n|\r|\n/);
    expect(lines.filter((each) => each.startsWith('data:') && each.includes('"forged":true'))).toEqual([]);
    expect(lines.filter((each) => each.startsWith('event:'))).toEqual([]);
  });

  test('smuggled between two lengths of a body is refused', async () => {
    for (const head of [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Content-Length: 5\r\nContent-Length: 6',
      'Transfer-Encoding: chunked, identity',
      'Content-Length: 5\nX: y',
    ]) {
      const client = await openRawClient(side.port);
      client.say(
        `POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`,
      );
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(side.lines.join('')).not.toContain('smuggled');
  });
});
