import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { commandLine, roles } from '../../src/core/access.ts';
import type { Role } from '../../src/core/access.ts';
import { auditPageSchema } from '../../src/core/audit.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
const secrets = new Map<Role, string>();
let before: number;

beforeEach(async () => {
  const auth = { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined } as const;
  side = await startHttpSide({ auth });
  for (const role of roles) {
    secrets.set(role, side.store.createToken({ name: `the-${role}`, role, by: commandLine }).secret);
  }
  before = side.store.listAudit({ after: 0, limit: 1000 }).at(-1)?.seq ?? 0;
});
afterEach(() => side.stop());

const as = (role: Role) => ({ Authorization: `Bearer ${secrets.get(role) ?? ''}` });
const post = (path: string, role: Role) => request(side.url).post(path).set(as(role));

/** What was put on record since the test began, as an admin reads it. */
async function entries({ after = before, limit = 1000 } = {}) {
  const path = `/api/v1/audit?after=${after}&limit=${limit}`;
  const answer = await request(side.url).get(path).set(as('admin')).expect(200);
  return auditPageSchema.parse(answer.body).entries;
}

const told = async () =>
  (await entries()).map(({ principal, action, target, outcome }) => [principal, action, target, outcome]);

describe('on record is who', () => {
  test('submitted, cancelled and ran again, by the API', async () => {
    await post('/api/v1/jobs', 'operator').send({ id: 'mine', name: 'x' }).expect(202);
    await post('/api/v1/jobs/mine/cancel', 'admin').expect(202);
    const again = await post('/api/v1/jobs/mine/rerun', 'operator').expect(202);
    const id = again.headers['location']?.replace('/api/v1/jobs/', '');
    expect(await told()).toEqual([
      ['the-operator', 'submit', 'mine', 'done'],
      ['the-admin', 'cancel', 'mine', 'done'],
      ['the-operator', 'rerun', id, 'done'],
    ]);
    expect((await entries())[0]?.address).toBe('127.0.0.1');
  });

  test('did so on the pages, by a session', async () => {
    const secret = secrets.get('operator') ?? '';
    const { headers } = await request(side.url)
      .post('/login')
      .type('form')
      .send({ token: secret })
      .expect(303);
    const cookie = /^[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? '';
    const send = (path: string, fields = {}) =>
      request(side.url).post(path).set('Cookie', cookie).type('form').send(fields).expect(303);
    await send('/jobs', { id: 'mine', name: 'x' });
    await send('/runajob', { 'job-id': 'old', 'job-name': 'x' });
    await send('/jobs/mine/cancel');
    const again = await send('/jobs/mine/rerun');
    await send('/logout');
    expect(await told()).toEqual([
      ['the-operator', 'login', null, 'done'],
      ['the-operator', 'submit', 'mine', 'done'],
      ['the-operator', 'submit', 'old', 'done'],
      ['the-operator', 'cancel', 'mine', 'done'],
      ['the-operator', 'rerun', again.headers['location']?.replace('/jobs/', ''), 'done'],
      ['the-operator', 'logout', null, 'done'],
    ]);
  });

  test('was refused, but not who only came without a token', async () => {
    await post('/api/v1/jobs', 'viewer').send({ name: 'x' }).expect(403);
    await request(side.url).get('/api/v1/jobs/mine').set('Authorization', 'Bearer guess').expect(401);
    await request(side.url).post('/login').type('form').send({ token: 'guess' }).expect(401);
    await request(side.url).get('/api/v1/jobs').expect(401);
    expect(await told()).toEqual([
      ['the-viewer', 'access', 'POST /api/v1/jobs', 'refused'],
      [null, 'access', 'GET /api/v1/jobs/:id', 'refused'],
      [null, 'login', null, 'refused'],
    ]);
  });

  test('made and revoked a token', async () => {
    side.store.createToken({ name: 'ci', role: 'viewer', by: commandLine });
    side.store.revokeToken('ci', { by: commandLine });
    side.store.keepBootstrapToken('b'.repeat(32));
    side.store.keepBootstrapToken('b'.repeat(32));
    side.store.keepBootstrapToken(null);
    expect(await told()).toEqual([
      ['command line', 'token-create', 'ci', 'done'],
      ['command line', 'token-revoke', 'ci', 'done'],
      ['service itself', 'token-create', 'bootstrap', 'done'],
      ['service itself', 'token-revoke', 'bootstrap', 'done'],
    ]);
  });
});

test('a flood of refusals is not written down whole, wherever they come from', async () => {
  for (let nth = 0; nth < 15; nth += 1) {
    await request(side.url).get('/api/v1/jobs').set('Authorization', 'Bearer guess').expect(401);
    await request(side.url).post('/login').type('form').send({ token: 'guess' }).expect(401);
  }
  const all = await told();
  expect(all).toHaveLength(20);
  expect(all.filter(([, action]) => action === 'login')).toHaveLength(10);
});

test('it is read in pages', async () => {
  for (const id of ['a', 'b', 'c'])
    await post('/api/v1/jobs', 'operator').send({ id, name: 'x' }).expect(202);
  const first = await entries({ limit: 2 });
  const rest = await entries({ after: first.at(-1)?.seq ?? 0, limit: 2 });
  expect([...first, ...rest].map(({ target }) => target)).toEqual(['a', 'b', 'c']);
});

test('no secret is ever in it', async () => {
  await request(side.url).get('/api/v1/jobs?token=guess').set('Authorization', 'Bearer my-guess').expect(400);
  await request(side.url).get('/api/v1/jobs').set('Authorization', 'Bearer my-guess').expect(401);
  await request(side.url).post('/login').type('form').send({ token: 'my-guess' }).expect(401);
  const text = JSON.stringify(side.store.listAudit({ after: 0, limit: 1000 }));
  for (const secret of ['my-guess', ...secrets.values()]) expect(text).not.toContain(secret);
});
