import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import request from 'supertest';
import { commandLine } from '../../src/core/access.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
let secret: string;

const auth = { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined } as const;

beforeEach(async () => {
  side = await startHttpSide({ auth, recheckMs: 20 });
  secret = side.store.createToken({ name: 'ada', role: 'operator', by: commandLine }).secret;
});
afterEach(() => side.stop());

const browse = (path: string, cookie = '') =>
  request(side.url).get(path).set('Accept', 'text/html').set('Cookie', cookie);

const logIn = (fields: Record<string, string>) =>
  request(side.url).post('/login').set('Accept', 'text/html').type('form').send(fields);

/** The cookie of a new session, as a browser sends it back. */
async function cookieOf(fields: Record<string, string> = { token: secret }): Promise<string> {
  const { headers } = await logIn(fields).expect(303);
  return /^[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? '';
}

test('who wants to see a page logs in first, and comes back to it', async () => {
  const asked = await browse('/jobs?state=FAILED').expect(303);
  expect(asked.headers['location']).toBe('/login?next=%2Fjobs%3Fstate%3DFAILED');
  const { text } = await browse(asked.headers['location'] ?? '').expect(200);
  expect(text).toContain('name="next" value="/jobs?state=FAILED"');
  // A command that says all that it needs.
  expect(text).toContain('npm run jobspawn -- token create --role viewer --name NAME<');
  await logIn({ token: secret, next: '/jobs?state=FAILED' })
    .expect(303)
    .expect('Location', '/jobs?state=FAILED');
});

test('a session has the name and the role of its token, on pages, in the API and on streams', async () => {
  const cookie = await cookieOf();
  const { text } = await browse('/jobs', cookie).expect(200);
  expect(text).toContain('<bdi>ada</bdi>');
  expect(text).toContain('action="/logout"');
  await request(side.url).post('/api/v1/jobs').set('Cookie', cookie).send({ name: 'x' }).expect(202);
  const leave = new AbortController();
  const stream = await fetch(`${side.url}/api/v1/events`, { headers: { cookie }, signal: leave.signal });
  expect(stream.status).toBe(200);
  leave.abort();
  await browse('/login', cookie).expect(302).expect('Location', '/jobs');
});

test('the cookie is out of reach of scripts and other sites; over https of other hosts as well', async () => {
  const { headers } = await logIn({ token: secret }).expect(303);
  expect(headers['set-cookie']?.[0]).toMatch(
    /^jobspawn=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
  );
  const https = await startHttpSide({ auth: { ...auth, isHttps: true } });
  const { secret: other } = https.store.createToken({ name: 'ada', role: 'viewer', by: commandLine });
  const answer = await request(https.url).post('/login').type('form').send({ token: other }).expect(303);
  expect(answer.headers['set-cookie']?.[0]).toMatch(
    /^__Host-jobspawn=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
  );
  // The name without the prefix can be planted by a neighbour host, and is not read.
  const planted = String(answer.headers['set-cookie']?.[0]).replace('__Host-', '');
  await request(https.url).get('/api/v1/jobs').set('Cookie', planted).expect(401);
  await https.stop();
});

test('a wrong token is told so, and not shown again', async () => {
  const { text, headers } = await logIn({ token: 'my-wrong-token', next: '/docs' }).expect(401);
  expect(text).toContain('This is no valid token.');
  expect(text).toContain('value="/docs"');
  expect(text).not.toContain('my-wrong-token');
  expect(headers['set-cookie']).toBeUndefined();
});

test('a login leads nowhere but to us', async () => {
  await logIn({ token: secret, next: '//evil.example.com' }).expect(303).expect('Location', '/jobs');
});

test('another site can neither log in nor out', async () => {
  const cookie = await cookieOf();
  const evil = { 'Sec-Fetch-Site': 'cross-site' };
  await logIn({ token: secret }).set(evil).expect(403);
  await request(side.url).post('/logout').set(evil).set('Cookie', cookie).expect(403);
  await browse('/jobs', cookie).expect(200);
});

describe('a session ends', () => {
  test('with the logout', async () => {
    const cookie = await cookieOf();
    const { headers } = await request(side.url).post('/logout').set('Cookie', cookie).expect(303);
    expect(String(headers['set-cookie'])).toMatch(/^jobspawn=; Path=\/; Expires=Thu, 01 Jan 1970/);
    await browse('/jobs', cookie).expect(303);
  });

  test('when its token is revoked, and so does what it follows', async () => {
    const cookie = await cookieOf();
    const stream = await fetch(`${side.url}/api/v1/events`, { headers: { cookie } });
    const ended = stream.text().catch(() => 'broken off');
    side.store.revokeToken('ada', { by: commandLine });
    await browse('/jobs', cookie).expect(303);
    expect(await ended).toBe('broken off');
  });

  test('when another one begins in the same browser', async () => {
    const cookie = await cookieOf();
    await logIn({ token: secret }).set('Cookie', cookie).expect(303);
    await browse('/jobs', cookie).expect(303);
  });
});

test('an id that was planted before the login is not the one after it', async () => {
  const planted = `jobspawn=${'a'.repeat(43)}`;
  const { headers } = await logIn({ token: secret }).set('Cookie', planted).expect(303);
  expect(String(headers['set-cookie'])).not.toContain(planted);
  await browse('/jobs', planted).expect(303);
});

test('a password that a proxy asked for leaves the session alone', async () => {
  const cookie = await cookieOf();
  await browse('/jobs', cookie).set('Authorization', 'Basic YTpi').expect(200);
});

test('a bearer token that opens nothing is not helped by a cookie', async () => {
  const cookie = await cookieOf();
  await request(side.url)
    .get('/api/v1/jobs')
    .set('Cookie', cookie)
    .set('Authorization', 'Bearer x')
    .expect(401);
});

test('after twenty wrong tokens an address has to wait, but never with a right one', async () => {
  for (let nth = 0; nth < 20; nth += 1) {
    await logIn({ token: 'x' }).expect(401);
    await logIn({ token: secret }).expect(303);
  }
  const { text, headers } = await logIn({ token: 'x' }).expect(429);
  expect(text).toContain('Too many wrong tokens from this address');
  expect(Number(headers['retry-after'])).toBeGreaterThan(200);
  await logIn({ token: secret }).expect(303);
});

test('a login that cannot be kept leaves the session before it as it was', async () => {
  const cookie = await cookieOf();
  const db = new Database(side.databasePath);
  db.exec("CREATE TRIGGER no_more BEFORE INSERT ON sessions BEGIN SELECT raise(ABORT, 'no more'); END");
  await logIn({ token: secret }).set('Cookie', cookie).expect(500);
  db.exec('DROP TRIGGER no_more');
  db.close();
  await browse('/jobs', cookie).expect(200);
});

test('a page whose address is too long to come back to leads to the login all the same', async () => {
  const words = '%E6%BC%A2'.repeat(120);
  const asked = await browse(`/jobs?q=${words}&name=${words}`).expect(303);
  expect(asked.headers['location']).toBe('/login');
  const longest = `/jobs/${'a'.repeat(2000 - '/jobs/'.length)}`;
  const { headers } = await browse(longest).expect(303);
  expect(headers['location']).toBe(`/login?next=${encodeURIComponent(longest)}`);
  await browse(headers['location'] ?? '').expect(200);
});

test('where nobody has to log in there is no login', async () => {
  const open = await startHttpSide();
  await request(open.url).get('/login').expect(404);
  expect((await request(open.url).get('/jobs').expect(200)).text).not.toContain('/logout');
  await open.stop();
});
