import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, jobsPath, minimalJob, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('the guards of the API', () => {
  test.each(['/version', '/', '/00000000000000000000000000000000/version', '/api'])(
    'a path without the secret prefix is not found: %s',
    async (path) => {
      const response = await fetch(`http://127.0.0.1:${api.port}${path}`);
      expect(response.status).toBe(404);
    },
  );

  test('a path that climbs out of the prefix is not found', async () => {
    expect((await api.ask('/../version')).status).toBe(404);
  });

  test.each([
    ['a foreign Host', { host: 'evil.example.com' }],
    ['an Origin', { origin: 'http://localhost:8080' }],
    ['a Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin' }],
  ])('%s is refused, even with the prefix', async (_name, headers) => {
    const reply = await api.ask(jobsPath, { headers });
    expect(reply.status).toBe(403);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'a body of %s is refused, since a page could send it',
    async (type) => {
      const headers = { 'content-type': type };
      const reply = await api.ask(jobsPath, { method: 'POST', headers, body: minimalJob('a') });
      expect(reply.status).toBe(415);
      expect(api.registry.list('jobs')).toEqual([]);
    },
  );

  test('a body over 3 MiB is answered with 413, not with a broken connection', async () => {
    const body = { ...minimalJob('a'), padding: 'x'.repeat(3 * 1024 * 1024) };
    const reply = await api.ask(jobsPath, { method: 'POST', headers: json, body });
    expect(reply).toMatchObject({ status: 413, body: { reason: 'RequestEntityTooLarge' } });
  });

  test('the server listens on loopback alone', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
    const outside = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside === undefined) return;
    const refused = await new Promise((resolve) => {
      const socket = connect(api.port, outside.address, () => resolve(false));
      socket.on('error', () => resolve(true));
    });
    expect(refused).toBe(true);
  });
});
