import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import request from 'supertest';
import { startHttpSide } from '../http/http-side.ts';
import { readRouteTable } from './route-table.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
let id: string;
let token: string;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());
beforeEach(async () => {
  id = await running();
  token = side.tokens.issue(id);
});

async function running(): Promise<string> {
  const job = await side.submit();
  side.play.created(job.id);
  side.play.pod(job.id);
  return job.id;
}

const report = (by: string, words: object = {}) =>
  request(side.url)
    .post('/status')
    .set('Authorization', `Bearer ${by}`)
    .send({ 'job-id': id, status: 'SUCCESS', ...words });

describe('fault 18: a forged report', () => {
  test('is 401 and leaves nothing behind, whatever its token is made of', async () => {
    const before = side.store.lastSeq();
    const forgeries = [
      createHmac('sha256', '').update(`job:${id}`).digest('base64url'),
      createHmac('sha256', id).update(`job:${id}`).digest('base64url'),
      Buffer.alloc(32).toString('base64url'),
      Buffer.from(token, 'base64url').toString('base64'),
      token.toUpperCase(),
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      'undefined',
      'null',
      '[object Object]',
      `eyJhbGciOiJub25lIn0.${Buffer.from(`{"sub":"${id}"}`).toString('base64url')}.`,
    ];
    for (const forgery of forgeries) await report(forgery).expect(401);
    await request(side.url)
      .post('/status')
      .send({ 'job-id': id, status: 'SUCCESS', token: [token] })
      .expect(401);
    await request(side.url)
      .post('/status')
      .auth('x', token)
      .send({ 'job-id': id, status: 'SUCCESS' })
      .expect(401);
    expect(side.store.lastSeq()).toBe(before);
    expect(side.store.findJob(id)).toMatchObject({ state: 'RUNNING', reports: [] });
  });

  test('is 401 also when the query vouches for another job than the body names', async () => {
    const other = await running();
    const mine = { 'job-id': other, token: side.tokens.issue(other) };
    await request(side.url).post('/status').query(mine).send({ 'job-id': id, status: 'SUCCESS' }).expect(400);
    await request(side.url)
      .post('/status')
      .query({ token: mine.token })
      .send({ 'job-id': id, status: 'SUCCESS' })
      .expect(401);
    expect(side.store.findJob(id)?.reports).toEqual([]);
  });
});

test("fault 18: a foreign report, with another job's token, is 401 and changes neither job", async () => {
  const other = await running();
  await report(side.tokens.issue(other)).expect(401);
  expect(side.store.findJob(id)?.reports).toEqual([]);
  expect(side.store.findJob(other)?.reports).toEqual([]);
});

describe('fault 18: a replayed report', () => {
  test('of success does not end a job that has ended otherwise', async () => {
    await report(token, { status: 'working' }).expect(200);
    side.play.pod(id, { phase: 'Failed', exitCode: 1, finishedAt: new Date().toISOString() });
    side.play.ended(id, 'Failed', { reason: 'BackoffLimitExceeded' });
    await report(token).expect(409);
    expect(side.store.findJob(id)).toMatchObject({ state: 'FAILED', report: { status: 'working' } });
  });

  test('of an error does not undo a success', async () => {
    await report(token).expect(200);
    side.play.pod(id, { phase: 'Succeeded', exitCode: 0, finishedAt: new Date().toISOString() });
    side.play.ended(id, 'Complete');
    await report(token, { status: 'ERROR', result: 'forged' }).expect(409);
    expect(side.store.findJob(id)).toMatchObject({ state: 'SUCCEEDED', result: null });
  });

  test('for a job whose id is used again needs a token all the same, and the old one is for that id alone', async () => {
    await report(token, { 'job-id': `${id}x` }).expect(401);
    await report(token, { 'job-id': id.toLowerCase() }).expect(401);
  });
});

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('fault 18: an oversized report', () => {
  test.each<[string, object, number]>([
    ['status', { status: 'x'.repeat(257) }, 400],
    ['message', { message: 'x'.repeat(4097) }, 400],
    ['result', { result: 'x'.repeat(64 * 1024) }, 400],
    ['result, in levels', { result: nested(101) }, 400],
    ['task', { task: 1 }, 400],
    ['body', { message: 'x'.repeat(128 * 1024) }, 413],
  ])('by its %s is refused, and nothing of it is kept', async (_what, words, status) => {
    const before = side.store.lastSeq();
    await report(token, words).expect(status);
    expect(side.store.lastSeq()).toBe(before);
    expect(side.store.findJob(id)?.result).toBeNull();
  });
});

test('a stolen token opens no route but the two for reports: everywhere else it is worth nothing', async () => {
  const routes = (await readRouteTable(side.url)).filter(
    ({ path }) => path !== '/status' && path !== '/updatejobstatus' && path !== '/api/v1/events',
  );
  expect(routes.length).toBeGreaterThan(15);
  const call = async ({ method, path }: (typeof routes)[number], headers: Record<string, string>) => {
    const target = path.replaceAll(/\{\w+\}/g, 'no-such-job');
    const answer = await fetch(side.url + target, { method, headers, redirect: 'manual' });
    return [method, path, answer.status];
  };
  for (const route of routes) {
    const without = await call(route, {});
    expect(await call(route, { Authorization: `Bearer ${token}` })).toEqual(without);
    expect(await call(route, { Cookie: `token=${token}; sid=${token}` })).toEqual(without);
  }
});
