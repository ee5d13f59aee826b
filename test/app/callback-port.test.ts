import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestApp } from '../support/running-app.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;
beforeAll(async () => {
  app = await startTestApp({ CALLBACK_PORT: '0', KEEP_ALIVE_SECONDS: '33' });
});
afterAll(() => app.stop());

async function statusOf(url: string, path: string, method = 'GET'): Promise<number> {
  return (await fetch(url + path, { method })).status;
}

test('workers report on a port of their own, to which CALLBACK_URL leads by itself', async () => {
  expect(app.callbackUrl).not.toBe(app.url);
  const { id } = await app.submit({
    name: 'x',
    args: ['simulate', '--duration', '100ms', '--error-rate', '0'],
  });
  const job = await app.untilDone(id);
  expect(job.reports.map(({ status }) => status)).toContain('SUCCESS');
});

test('that port has the reports and a probe, and nothing else', async () => {
  expect(await statusOf(app.callbackUrl, '/healthz')).toBe(200);
  expect(await statusOf(app.callbackUrl, '/status', 'POST')).toBe(400);
  expect(await statusOf(app.callbackUrl, '/updatejobstatus', 'POST')).toBe(400);
  for (const path of [
    '/',
    '/jobs',
    '/api/v1/jobs',
    '/metrics',
    '/readyz',
    '/openapi.json',
    '/assets/main.js',
  ])
    expect([path, await statusOf(app.callbackUrl, path)]).toEqual([path, 404]);
  expect(await statusOf(app.callbackUrl, '/api/v1/jobs', 'POST')).toBe(404);
});

test('the other port has all the rest, and takes no reports', async () => {
  expect(await statusOf(app.url, '/jobs')).toBe(200);
  expect(await statusOf(app.url, '/healthz')).toBe(200);
  expect(await statusOf(app.url, '/status', 'POST')).toBe(404);
  expect(await statusOf(app.url, '/updatejobstatus', 'POST')).toBe(404);
});

test('the description of the API names the port of the reports', async () => {
  const document: unknown = await (await fetch(`${app.url}/openapi.json`)).json();
  expect(document).toHaveProperty(['paths', '/status', 'post', 'servers', '0', 'url'], app.callbackUrl);
});

test('both keep an idle connection for as long as they are told', async () => {
  for (const url of [app.url, app.callbackUrl])
    expect((await fetch(`${url}/healthz`)).headers.get('keep-alive')).toBe('timeout=33');
});

test('both end with the service', async () => {
  const own = await startTestApp({ CALLBACK_PORT: '0' });
  await own.stop();
  await expect(fetch(`${own.url}/healthz`)).rejects.toThrow();
  await expect(fetch(`${own.callbackUrl}/healthz`)).rejects.toThrow();
});
