import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide({ ownHost: '192.0.2.7', allowedHosts: ['jobs.example.com'] });
});
afterAll(() => side.stop());

describe('the Host of a request', () => {
  test.each(['localhost', '127.0.0.1:8080', '[::1]:1', 'LOCALHOST:9000'])(
    '%s is ours, whatever the port: it may be a forwarded one',
    async (host) => {
      await request(side.url).get('/jobs').set('Host', host).expect(200);
    },
  );

  test.each(['192.0.2.7:8080', '192.0.2.7'])('%s is ours: it is where we listen', async (host) => {
    await request(side.url).get('/jobs').set('Host', host).expect(200);
  });

  test('a host of the list is ours', async () => {
    await request(side.url).get('/jobs').set('Host', 'jobs.example.com').expect(200);
  });

  test.each([
    'evil.example.com',
    '127.0.0.1.evil.example.com',
    'localhost@evil.example.com',
    'jobs.example.com:81',
    'localhost.evil.example.com',
    '192.0.2.8:8080',
    '192.0.2.7.evil.example.com',
    '192.0.2.7:8080:8080',
    '127.8.8.8',
  ])('%s is refused with 421', async (host) => {
    await request(side.url).get('/jobs').set('Host', host).expect(421);
    await request(side.url).get('/assets/jobspawn.css').set('Host', host).expect(421);
    await request(side.url).post('/api/v1/jobs').set('Host', host).send({ name: 'x' }).expect(421);
  });

  test('probes and workers may come under any name', async () => {
    await request(side.url).get('/healthz').set('Host', '10.0.0.7').expect(200);
    await request(side.url).get('/readyz').set('Host', '10.0.0.7').expect(200);
    await request(side.url).post('/status').set('Host', 'jobspawn.svc').send({ status: 'x' }).expect(400);
  });
});

const post = (headers: Record<string, string>, path = '/api/v1/jobs') =>
  request(side.url).post(path).set(headers).send({ name: 'x' });

describe('an unsafe request', () => {
  test.each(['same-origin', 'none'])('passes when the browser says %s', async (site) => {
    await post({ 'Sec-Fetch-Site': site }).expect(202);
  });

  test.each(['cross-site', 'same-site', 'nonsense'])('is 403 when the browser says %s', async (site) => {
    await post({ 'Sec-Fetch-Site': site, Origin: side.url }).expect(403);
  });

  test('passes with our own Origin, or with neither header', async () => {
    await post({ Origin: side.url }).expect(202);
    await post({ Origin: 'https://jobs.example.com', Host: 'jobs.example.com' }).expect(202);
    await post({}).expect(202);
  });

  test.each(['https://evil.example.com', 'null', 'http://localhost:1'])(
    'is 403 with Origin %s',
    async (origin) => {
      await post({ Origin: origin }).expect(403);
    },
  );

  test('is guarded without a body as well', async () => {
    const { id } = await side.submit();
    const evil = { 'Sec-Fetch-Site': 'cross-site' };
    await request(side.url).post(`/jobs/${id}/cancel`).set(evil).expect(403);
    await request(side.url).post(`/jobs/${id}/rerun`).set(evil).expect(403);
    expect(side.store.findJob(id)?.state).toBe('QUEUED');
  });

  test('reads are left alone, and so are reports, which show a token', async () => {
    await request(side.url).get('/jobs').set('Sec-Fetch-Site', 'cross-site').expect(200);
    await post({ 'Sec-Fetch-Site': 'cross-site' }, '/status').expect(400);
  });
});

describe('headers', () => {
  test.each(['/jobs', '/docs', '/api/v1/jobs', '/nothing', '/assets/jobspawn.css'])(
    '%s forbids inline script, sniffing and referrers, and does not say what serves it',
    async (path) => {
      const { headers } = await request(side.url).get(path);
      expect(headers['content-security-policy']?.split(';')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ]);
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['x-powered-by']).toBeUndefined();
    },
  );

  test('answers are never stored; files are asked for again by their ETag', async () => {
    expect((await request(side.url).get('/jobs')).headers['cache-control']).toBe('no-store');
    expect((await request(side.url).get('/nothing')).headers['cache-control']).toBe('no-store');
    const first = await request(side.url).get('/assets/main.js').expect(200);
    expect(first.headers['cache-control']).toBe('no-cache');
    const etag = first.headers['etag'] ?? '';
    await request(side.url).get('/assets/main.js').set('If-None-Match', etag).expect(304);
  });

  test.each(['/assets/pico/pico.indigo.min.css', '/assets/swagger-ui/swagger-ui-bundle.js'])(
    '%s comes from our own origin',
    async (path) => {
      await request(side.url).get(path).expect(200);
    },
  );

  test('the icon that browsers ask for by themselves is there', async () => {
    const { headers } = await request(side.url).get('/favicon.ico').redirects(1).expect(200);
    expect(headers['content-type']).toContain('image/svg+xml');
    await request(side.url).get('/favicon.ico/anything').expect(404);
  });

  test('nothing outside the public files can be read', async () => {
    await request(side.url).get('/assets/../package.json').expect(404);
    await request(side.url).get('/assets/%2e%2e/package.json').expect(404);
    await request(side.url).get('/assets/..%2fpackage.json').expect(404);
  });
});
