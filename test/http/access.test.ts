import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { commandLine, roles } from '../../src/core/access.ts';
import type { Need, Role } from '../../src/core/access.ts';
import type { Route } from '../../src/handlers/route.ts';
import { until } from '../support/until.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
const secrets = new Map<Role, string>();
let jobId: string;

beforeAll(async () => {
  side = await startHttpSide({
    auth: { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined },
    recheckMs: 20,
  });
  for (const role of roles)
    secrets.set(role, side.store.createToken({ name: `the-${role}`, role, by: commandLine }).secret);
  jobId = (await side.submit()).id;
});
afterAll(() => side.stop());

const bearer = (role: Role) => `Bearer ${secrets.get(role) ?? ''}`;
const nameOf = ({ method, path }: Route) => `${method.toUpperCase()} ${path}`;

/** The rules as they are meant. A route that is not here, or has another rule, fails. */
const rules: Record<string, Need> = {
  'GET /': 'viewer',
  'GET /jobs': 'viewer',
  'GET /index': 'viewer',
  'POST /jobs': 'operator',
  'GET /jobs/:id': 'viewer',
  'POST /jobs/:id/cancel': 'operator',
  'POST /jobs/:id/rerun': 'operator',
  'GET /cluster': 'viewer',
  'POST /runajob': 'operator',
  'POST /api/v1/jobs': 'operator',
  'GET /api/v1/jobs': 'viewer',
  'GET /api/v1/jobs/:id': 'viewer',
  'POST /api/v1/jobs/:id/cancel': 'operator',
  'POST /api/v1/jobs/:id/rerun': 'operator',
  'GET /api/v1/events': 'viewer',
  'GET /api/v1/jobs/:id/events': 'viewer',
  'GET /api/v1/jobs/:id/logs': 'viewer',
  'POST /status': 'worker',
  'POST /updatejobstatus': 'worker',
  'GET /healthz': 'nobody',
  'GET /readyz': 'nobody',
  'GET /metrics': 'nobody',
  'GET /openapi.json': 'viewer',
  'GET /docs': 'viewer',
  'GET /api/v1/audit': 'admin',
  'GET /login': 'nobody',
  'POST /login': 'nobody',
  'POST /logout': 'nobody',
};

/** Input in order, where an empty one is not: what is wrong with it would be told first. */
const bodies: Record<string, Record<string, string>> = {
  'POST /jobs': { name: 'x' },
  'POST /runajob': { 'job-name': 'x' },
  'POST /api/v1/jobs': { name: 'x' },
  'POST /status': { 'job-id': 'x', status: 'x' },
  'POST /updatejobstatus': { 'job-id': 'x', status: 'x' },
};

/** The status alone: some answers have no end. */
async function statusOf(route: Route, headers: Record<string, string>): Promise<number> {
  const leave = new AbortController();
  const fields = bodies[nameOf(route)] ?? {};
  const isJson = route.body?.types.includes('json') ?? false;
  const answer = await fetch(side.url + route.path.replace(':id', jobId), {
    method: route.method,
    redirect: 'manual',
    signal: leave.signal,
    headers: {
      ...headers,
      'content-type': isJson ? 'application/json' : 'application/x-www-form-urlencoded',
    },
    body: route.method === 'get' ? null : isJson ? JSON.stringify(fields) : new URLSearchParams(fields),
  });
  leave.abort();
  // Who wants to see a page is sent to the login.
  const isAsked = route.method === 'get' && answer.headers.get('location')?.startsWith('/login?next=');
  return isAsked ? 401 : answer.status;
}

test('every route has the rule that it is meant to have', () => {
  expect(Object.fromEntries(side.routes.map((route) => [nameOf(route), route.needs]))).toEqual(rules);
});

test.each(Object.entries(rules))('%s is for %s', async (name, need) => {
  const route = side.routes.find((each) => nameOf(each) === name);
  if (route === undefined) throw new Error(`no route ${name}`);
  const withRole = await Promise.all(roles.map((role) => statusOf(route, { Authorization: bearer(role) })));
  const answers = [
    await statusOf(route, {}),
    await statusOf(route, { Authorization: 'Bearer x' }),
    ...withRole,
  ];
  const refusals = answers.map((status) => ([401, 403].includes(status) ? status : 'in'));
  const expected: Record<Need, unknown[]> = {
    nobody: ['in', 'in', 'in', 'in', 'in'],
    viewer: [401, 401, 'in', 'in', 'in'],
    operator: [401, 401, 403, 'in', 'in'],
    admin: [401, 401, 403, 403, 'in'],
    worker: [401, 401, 401, 401, 401],
  };
  expect(refusals).toEqual(expected[need]);
});

describe('a stranger', () => {
  test('hears of faults first, and sees nothing beside them', async () => {
    await request(side.url).post('/api/v1/jobs').send({ nonsense: 1 }).expect(400);
    const { text } = await request(side.url).post('/jobs').type('form').send({ nonsense: 1 }).expect(400);
    expect(text).not.toContain(jobId);
    expect(text).not.toContain('id="job-list"');
    const known = request(side.url).post('/jobs').set('Authorization', bearer('operator'));
    expect((await known.type('form').send({ nonsense: 1 }).expect(400)).text).toContain('id="job-list"');
  });

  test('cannot tell a job that there is from one that there is not', async () => {
    const there = await request(side.url).get(`/api/v1/jobs/${jobId}`).expect(401);
    const not = await request(side.url).get('/api/v1/jobs/nothing').expect(401);
    expect(there.body).toEqual(not.body);
    expect(there.headers['www-authenticate']).toBe('Bearer');
  });

  test('is told by /readyz that it is ready, and no more', async () => {
    expect((await request(side.url).get('/readyz').expect(200)).body).toEqual({ ready: true });
    const full = await request(side.url).get('/readyz').set('Authorization', bearer('viewer')).expect(200);
    expect(full.body).toHaveProperty('queue');
  });
});

test.each(['Basic', 'Token', ''])('a secret that is shown as "%s" opens nothing', async (scheme) => {
  const shown = `${scheme} ${secrets.get('admin') ?? ''}`;
  await request(side.url).get('/api/v1/jobs').set('Authorization', shown).expect(401);
});

test("an admin's token reports on no job, and a worker's token reads none", async () => {
  const report = { 'job-id': jobId, status: 'hello' };
  await request(side.url).post('/status').set('Authorization', bearer('admin')).send(report).expect(401);
  const own = `Bearer ${side.tokens.issue(jobId)}`;
  await request(side.url).post('/status').set('Authorization', own).send(report).expect(200);
  await request(side.url).get(`/api/v1/jobs/${jobId}`).set('Authorization', own).expect(401);
});

const pageFor = (role: Role, path: string) =>
  request(side.url).get(path).set('Authorization', bearer(role)).expect(200);

test('a page offers a viewer nothing that would be refused', async () => {
  for (const path of ['/jobs', `/jobs/${jobId}`]) {
    expect((await pageFor('viewer', path)).text).not.toMatch(/method="post" action="\/jobs/);
    expect((await pageFor('operator', path)).text).toMatch(/method="post" action="\/jobs/);
  }
});

test('a revoked token opens nothing, and ends what is being followed with it', async () => {
  const { secret } = side.store.createToken({ name: 'follower', role: 'viewer', by: commandLine });
  const headers = { Authorization: `Bearer ${secret}` };
  const stream = await fetch(`${side.url}/api/v1/events`, { headers });
  const ended = stream.text().catch(() => 'broken off');
  expect(stream.status).toBe(200);
  side.store.revokeToken('follower', { by: commandLine });
  expect(await ended).toBe('broken off');
  await request(side.url).get('/api/v1/jobs').set(headers).expect(401);
});

test('the use of a token is noted', async () => {
  const lastUse = () => side.store.listTokens().find(({ name }) => name === 'seldom')?.lastUsedAt;
  const { secret } = side.store.createToken({ name: 'seldom', role: 'viewer', by: commandLine });
  expect(lastUse()).toBeNull();
  await request(side.url).get('/api/v1/jobs').set('Authorization', `Bearer ${secret}`).expect(200);
  await until(lastUse);
});

test('no secret reaches the log', () => {
  for (const secret of secrets.values()) expect(side.lines.join('\n')).not.toContain(secret);
});

test('where everybody may come in from anywhere, every page says so, and else none does', async () => {
  const open = await startHttpSide({ auth: { kind: 'none', exposure: { by: 'proxy', because: 'it is' } } });
  const { id } = await open.submit();
  for (const path of ['/jobs', `/jobs/${id}`, '/docs', '/nothing']) {
    const { text } = await request(open.url).get(path).set('Accept', 'text/html');
    expect(text).toContain('<strong>No login.</strong>');
  }
  await open.stop();
  expect((await pageFor('viewer', '/jobs')).text).not.toContain('No login.');
});
