import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/app/config.ts';
import { toCallback } from '../../src/app/place.ts';
import { startTestApp } from '../support/running-app.ts';

const open = { AUTH: 'none', ALLOW_UNAUTHENTICATED: 'yes' };

/** Where workers report by default, with this HOST. */
const callbackOf = (environment: Record<string, string>) =>
  toCallback(parseConfig({ CLUSTER: 'local', ...open, ...environment })).url;

describe('workers report by default', () => {
  test.each([
    ['127.0.0.1', 'http://127.0.0.1:8080'],
    ['127.8.8.8', 'http://127.8.8.8:8080'],
    ['localhost', 'http://localhost:8080'],
    ['192.168.1.5', 'http://192.168.1.5:8080'],
    ['::1', 'http://[::1]:8080'],
    ['FD00:0::2', 'http://[fd00::2]:8080'],
  ])('with HOST=%s to %s', (HOST, url) => {
    expect(callbackOf({ HOST })).toBe(url);
  });

  test.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])('to 127.0.0.1, which HOST=%s includes', (HOST) => {
    expect(callbackOf({ HOST })).toBe('http://127.0.0.1:8080');
  });

  test('to 127.0.0.1 where no URL can hold the HOST', () => {
    expect(callbackOf({ HOST: 'fe80::1%eth0' })).toBe('http://127.0.0.1:8080');
  });

  test('to the port of their own on the same HOST, and to CALLBACK_URL before all', () => {
    expect(callbackOf({ HOST: '::1', CALLBACK_PORT: '8081' })).toBe('http://[::1]:8081');
    expect(callbackOf({ HOST: '::1', CALLBACK_URL: 'http://jobs.example.com/' })).toBe(
      'http://jobs.example.com',
    );
  });
});

async function isOnThisMachine(host: string): Promise<boolean> {
  const server = createServer();
  const listening = once(server.listen(0, host), 'listening').then(
    () => true,
    () => false,
  );
  return listening.finally(() => server.close());
}

const ofNetwork = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const hosts: string[] = [];
for (const host of ['127.8.8.8', '::1', 'localhost', ...(ofNetwork === undefined ? [] : [ofNetwork])]) {
  if (await isOnThisMachine(host)) hosts.push(host);
  else console.warn(`The service is not tried on ${host}, which this machine does not have.`);
}

test.each(hosts)('on %s reports arrive, and the address that is printed shows the pages', async (HOST) => {
  const app = await startTestApp({ HOST, ...open });
  try {
    const { id } = await app.submit({
      name: 'x',
      args: ['simulate', '--duration', '100ms', '--error-rate', '0'],
    });
    const job = await app.untilDone(id);
    expect(job.reports.map(({ status }) => status)).toContain('SUCCESS');
    expect((await fetch(`${app.url}/jobs`)).status).toBe(200);
  } finally {
    await app.stop();
  }
});
