import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { startHttpSide } from './http-side.ts';
import { logsToKeep } from '../support/logs-to-keep.ts';

const later = '2999-01-01T00:00:00.000Z';
const body = { name: 'monthly', id: 'mine' };
const own = { name: 'yearly', id: 'own' };

let side: Awaited<ReturnType<typeof startHttpSide>>;

beforeAll(async () => {
  side = await startHttpSide();
});

afterAll(() => side.stop());

const post = (path: string, json: object = {}) => request(side.url).post(path).send(json);
const submit = (json: object, key: string) => post('/api/v1/jobs', json).set('Idempotency-Key', key);

describe('a job that was removed', () => {
  beforeAll(async () => {
    await submit(body, 'a-key').expect(202);
    await post('/api/v1/jobs', own).expect(202);
    for (const id of ['mine', 'own']) await post(`/api/v1/jobs/${id}/cancel`).expect(202);
    side.store.removeEndedJobs({ endedBefore: later, most: 1000 });
  });

  test('is not found, on its own page, by its history, its log, a cancel or a re-run', async () => {
    for (const path of [
      '/jobs/mine',
      '/api/v1/jobs/mine',
      '/api/v1/jobs/mine/events',
      '/api/v1/jobs/mine/logs',
    ])
      await request(side.url).get(path).expect(404);
    for (const path of ['/api/v1/jobs/mine/cancel', '/api/v1/jobs/mine/rerun']) await post(path).expect(404);
  });

  test('is the answer to a repeat of its request, which starts nothing', async () => {
    const remembered = { id: 'mine', name: 'monthly', state: 'CANCELLED', tasks: [], reports: [] };
    const byKey = await submit(body, 'a-key').expect(202);
    expect(byKey.headers['location']).toBe('/api/v1/jobs/mine');
    expect(byKey.body).toMatchObject(remembered);
    const byId = await post('/api/v1/jobs', own).expect(202);
    expect(byId.body).toMatchObject({ ...remembered, ...own });
    expect(side.store.listJobs({ limit: 10 }).jobs).toEqual([]);
  });

  test('keeps its id and its key from other requests', async () => {
    await post('/api/v1/jobs', { ...body, name: 'weekly' }).expect(409);
    await submit({ name: 'weekly' }, 'a-key').expect(409);
  });

  test('has no valid token any more', async () => {
    const report = post('/status', { 'job-id': 'mine', status: 'SUCCESS' });
    await report.set('Authorization', `Bearer ${side.tokens.issue('mine')}`).expect(401);
  });
});

test('a log that was removed is told to be so, in its place', async () => {
  const { id } = await side.submit();
  side.play.created(id);
  side.play.pod(id, { phase: 'Succeeded', exitCode: 0 });
  for (const log of logsToKeep(side.store)) side.store.keepLog({ ...log, text: Buffer.from('hello\n') });
  side.play.ended(id, 'Complete');
  side.store.removeOldLogs({ keptBefore: later, mostBytes: 1000 });
  const { text } = await request(side.url).get(`/api/v1/jobs/${id}/logs`).expect(200);
  expect(text).toBe(`[the log of pod ${side.play.podName(id)} is no longer kept]\n`);
});
