import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { jobsPath, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
  api.registry.create('pods', 'default', minimalPod('a'));
});
afterAll(() => api.close());

describe('a name in a path', () => {
  test.each([
    ['%2e%2e', `Name parameter invalid: "..": may not be '..'`],
    ['..', `Name parameter invalid: "..": may not be '..'`],
    ['.', `Name parameter invalid: ".": may not be '.'`],
    ['%2E', `Name parameter invalid: ".": may not be '.'`],
    ['a%25', `Name parameter invalid: "a%": may not contain '%'`],
    ['a%zz', `Name parameter invalid: "a%zz": may not contain '%'`],
    ['../log', `Name parameter invalid: "..": may not be '..'`],
  ])('is refused when none can be called so: %s', async (name, message) => {
    for (const method of ['GET', 'DELETE']) {
      const reply = await api.ask(`${podsPath}/${name}`, { method });
      expect(reply).toMatchObject({ status: 400, body: { reason: 'BadRequest', message } });
    }
    expect(api.registry.list('pods')).toHaveLength(1);
  });

  test('is divided by an encoded slash too', async () => {
    expect((await api.ask(`${podsPath}/a%2Fb`)).status).toBe(404);
    expect((await api.ask(`${podsPath}%2Fa`)).status).toBe(200);
  });

  test('may be encoded otherwise', async () => {
    expect(await api.ask(`${podsPath}/%61`)).toMatchObject({
      status: 200,
      body: { metadata: { name: 'a' } },
    });
  });
});

describe('a path', () => {
  test.each([
    `${podsPath}/../pods/a`,
    `${podsPath}/x/../a`,
    `${podsPath}//a`,
    '/api/v1//pods',
    '/api/v1/namespaces//pods',
    '/api/../version',
    '/./version',
  ])('is never put in order: %s', async (path) => {
    expect((await api.ask(path)).status).toBeGreaterThanOrEqual(400);
  });

  test('may end in a slash and have an empty query', async () => {
    expect((await api.ask(`${jobsPath}/`)).status).toBe(200);
    expect((await api.ask(`${jobsPath}?`)).status).toBe(200);
    expect((await api.ask('/api/')).status).toBe(200);
  });
});

describe('a query', () => {
  test.each(['hasOwnProperty', 'constructor', '__proto__', 'nope'])(
    'selects by no field that is none of the resource: %s',
    async (field) => {
      for (const start of ['?', '?watch=true&']) {
        const reply = await api.ask(`${podsPath}${start}fieldSelector=${field}%3Dx`);
        expect(reply).toMatchObject({
          status: 400,
          body: { message: `field label not supported: ${field}` },
        });
      }
    },
  );

  test('selects by no label that every object has', async () => {
    expect(await api.ask(`${podsPath}?labelSelector=constructor`)).toMatchObject({ body: { items: [] } });
  });

  test.each(['9223372036854775808', '-9223372036854775809', '9'.repeat(400)])(
    'holds no number that is no int64: %s',
    async (limit) => {
      expect(await api.ask(`${podsPath}?limit=${limit}`)).toMatchObject({
        status: 400,
        body: { message: `strconv.ParseInt: parsing "${limit}": value out of range` },
      });
    },
  );

  test('may hold the greatest int64', async () => {
    expect((await api.ask(`${podsPath}?limit=9223372036854775807`)).status).toBe(200);
  });

  test.each([1e300, 1.5])('goes on from no version that is none: %d', async (rv) => {
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start: 'a' })).toString('base64url');
    expect((await api.ask(`${podsPath}?continue=${token}`)).status).toBe(400);
  });
});
