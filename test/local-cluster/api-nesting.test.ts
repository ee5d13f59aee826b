import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseGoJson } from '../../src/local-cluster/api/go-json.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const nest = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const nestList = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** A pod's JSON with one more field, given as text: JSON.stringify could not write such depths. */
const podWith = (name: string, field: string) => `{${field},${JSON.stringify(minimalPod(name)).slice(1)}`;

const post = (body: string) => api.ask(podsPath, { method: 'POST', headers: json, body });

describe('a body that nests deeper than Go reads', () => {
  test.each([
    ['objects', `"extra":${nest(20_000)}`, `invalid character '{' exceeded max depth`],
    ['lists', `"extra":${nestList(20_000)}`, `invalid character '[' exceeded max depth`],
    ['objects, one too many', `"extra":${nest(10_000)}`, `invalid character '{' exceeded max depth`],
  ])('is refused as a bad request: %s', async (_what, field, message) => {
    const reply = await post(podWith('deep', field));
    expect(reply).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
    expect(reply.body).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('is refused in a patch and in the options of a deletion too', async () => {
    await post(JSON.stringify(minimalPod('kept')));
    const headers = { 'content-type': 'application/merge-patch+json' };
    const path = `${podsPath}/kept`;
    expect((await api.ask(path, { method: 'PATCH', headers, body: nest(20_000) })).status).toBe(400);
    expect((await api.ask(path, { method: 'DELETE', headers: json, body: nest(20_000) })).status).toBe(400);
    expect((await api.ask(path)).status).toBe(200);
  });
});

describe('a body as deep as Go still reads', () => {
  test.each([
    ['an unknown field', 'unknown', `"extra":${nest(9_999)}`],
    ['the fields of a manager', 'managed', `"kind":"Pod"`],
  ])('is taken, without what is no field: %s', async (_what, name, field) => {
    const managed = `"metadata":{"name":"${name}","managedFields":[{"fieldsV1":${nest(9_900)}}]}`;
    const pod = podWith(name, field).replace(`"metadata":{"name":"${name}"}`, managed);
    expect(await post(pod)).toMatchObject({ status: 201, body: { metadata: { name } } });
  });

  test.each([
    ['kind', nestList(9_999), 400],
    ['apiVersion', nest(9_999), 400],
    ['spec', nestList(9_999), 400],
    ['metadata', `{"annotations":${nest(9_000)}}`, 400],
  ])('is refused in words when a field is that deep: %s', async (field, value, status) => {
    const pod = `{"${field}":${value},${JSON.stringify({ ...minimalPod('odd'), [field]: undefined }).slice(1)}`;
    expect((await post(pod)).status).toBe(status);
  });

  test.each([
    ['merge-patch', `{"metadata":{"labels":{"a":"b"}},"extra":${nest(9_000)}}`, 200],
    ['strategic-merge-patch', `{"metadata":{"labels":{"a":"b"}},"extra":${nest(9_000)}}`, 200],
    ['json-patch', `[{"op":"add","path":"/extra","value":${nest(9_000)}}]`, 200],
  ])('patches what it can: %s', async (kind, body, status) => {
    const name = `patched-${kind}`;
    await post(JSON.stringify(minimalPod(name)));
    const headers = { 'content-type': `application/${kind}+json` };
    expect((await api.ask(`${podsPath}/${name}`, { method: 'PATCH', headers, body })).status).toBe(status);
  });

  test('a JSON patch cannot build what no body may hold', async () => {
    await post(JSON.stringify(minimalPod('built')));
    const value: unknown = JSON.parse(nest(50));
    const patch = (times: number) => ({
      method: 'PATCH',
      headers: { 'content-type': 'application/json-patch+json' },
      // Each puts its value where the one before it ends.
      body: Array.from({ length: times }, (_, index) => ({
        op: 'add',
        path: '/a'.repeat(1 + index * 50),
        value,
      })),
    });
    expect((await api.ask(`${podsPath}/built`, patch(3))).status).toBe(200);
    expect((await api.ask(`${podsPath}/built`, patch(5))).status).toBe(422);
  });

  test('asks for access in any shape', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const body = `{"spec":{"nonResourceAttributes":{"path":"/x","verb":"get","a":${nest(9_000)}}}}`;
    expect((await api.ask(path, { method: 'POST', headers: json, body })).status).toBe(201);
  });
});

test('all of a text is checked, however deep', () => {
  const open = '{"a":'.repeat(5000);
  expect(() => parseGoJson(`${open}x${'}'.repeat(5000)}`)).toThrow(
    `invalid character 'x' looking for beginning of value`,
  );
});
