import { afterEach, expect, test } from '@jest/globals';
import request from 'supertest';
import { startHttpSide } from './http-side.ts';

const sides: Awaited<ReturnType<typeof startHttpSide>>[] = [];
afterEach(async () => {
  for (const side of sides.splice(0)) await side.stop();
});

async function transportSecurity(trustedProxies: string[], headers: Record<string, string>) {
  const side = await startHttpSide({ trustedProxies });
  sides.push(side);
  return (await request(side.url).get('/jobs').set(headers)).headers['strict-transport-security'];
}

test('over plain http nothing is said of https', async () => {
  expect(await transportSecurity([], {})).toBeUndefined();
});

test('behind a trusted proxy that ends TLS the browser is told to stay with https', async () => {
  const headers = { 'X-Forwarded-Proto': 'https' };
  expect(await transportSecurity(['127.0.0.1'], headers)).toBe('max-age=31536000');
});

test('who is no trusted proxy is not believed', async () => {
  expect(await transportSecurity(['10.0.0.0/8'], { 'X-Forwarded-Proto': 'https' })).toBeUndefined();
});
