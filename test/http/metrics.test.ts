import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { get } from 'node:http';
import request from 'supertest';
import { scrape } from '../support/exposition.ts';
import { until } from '../support/until.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

async function counted(route: string, method: string, status: string): Promise<number> {
  return (await scrape(side.url)).value('jobspawn_http_requests_total', { route, method, status }) ?? 0;
}

/** An answer is counted when it has left, which its reader may see before. */
const untilCounted = (count: number, ...where: Parameters<typeof counted>) =>
  until(async () => (await counted(...where)) === count);

test('/metrics is the text format of Prometheus, under any host name', async () => {
  const { headers } = await request(side.url).get('/metrics').set('Host', '10.1.2.3:8080').expect(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect((await scrape(side.url)).types.get('jobspawn_jobs')).toBe('gauge');
});

test('requests are counted by the pattern of their route, never by what stands in it', async () => {
  const { id } = await side.submit();
  await request(side.url).get(`/api/v1/jobs/${id}`).expect(200);
  await request(side.url).get('/api/v1/jobs/nobody').expect(404);
  await request(side.url).put('/api/v1/jobs/nobody').expect(405);
  await untilCounted(1, '/api/v1/jobs/:id', 'GET', '2xx');
  await untilCounted(1, '/api/v1/jobs/:id', 'GET', '4xx');
  await untilCounted(1, '/api/v1/jobs/:id', 'PUT', '4xx');
  const { value, series } = await scrape(side.url);
  expect(
    value('jobspawn_http_request_duration_seconds_count', { route: '/api/v1/jobs/:id', method: 'GET' }),
  ).toBe(2);
  expect(series.filter((name) => name.includes(id) || name.includes('nobody'))).toEqual([]);
});

test('what no route takes is one series, whatever path or method a client makes up', async () => {
  await request(side.url).get('/made/up').expect(404);
  await request(side.url).get('/jobs').set('Host', 'evil.example').expect(421);
  await untilCounted(2, 'none', 'GET', '4xx');
  await fetch(`${side.url}/made/up`, { method: 'PROPFIND' });
  await untilCounted(1, 'none', 'other', '4xx');
});

test('static files are one route', async () => {
  await request(side.url).get('/assets/main.js').expect(200);
  await untilCounted(1, '/assets', 'GET', '2xx');
});

test('an event stream shows while it lasts, is counted at its end, and is not timed', async () => {
  const stream = get(`${side.url}/api/v1/events`);
  await new Promise((resolve) => stream.once('response', resolve));
  expect((await scrape(side.url)).value('jobspawn_event_streams')).toBe(1);
  stream.destroy();
  await untilCounted(1, '/api/v1/events', 'GET', '2xx');
  const { value, series } = await scrape(side.url);
  expect(value('jobspawn_event_streams')).toBe(0);
  expect(series.filter((name) => /^jobspawn_http_request_duration.*events/.test(name))).toEqual([]);
});

test('the queue has a depth, an age and a limit', async () => {
  const { value } = await scrape(side.url);
  expect(value('jobspawn_queue_depth')).toBe(side.store.countStates().QUEUED);
  expect(value('jobspawn_queue_oldest_age_seconds')).toBeGreaterThan(0);
  expect(value('jobspawn_queue_limit')).toBe(1000);
  expect(value('jobspawn_active_jobs_limit')).toBe(10);
});

test('the reason for which dispatch waits is the one that stands at 1', async () => {
  side.readiness.dispatch = { held: 'QuotaExceeded', outcomes: {} };
  const held = async (reason: string) => (await scrape(side.url)).value('jobspawn_dispatch_held', { reason });
  expect(await held('QuotaExceeded')).toBe(1);
  expect(await held('Forbidden')).toBe(0);
  side.readiness.dispatch = null;
  expect(await held('QuotaExceeded')).toBe(0);
});

test('a listener to commits that throws is counted', async () => {
  const stop = side.store.onCommit(() => {
    throw new Error('broken listener');
  });
  await side.submit();
  stop();
  expect((await scrape(side.url)).value('jobspawn_commit_listener_faults_total')).toBe(1);
});
