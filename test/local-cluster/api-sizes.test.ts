import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findCanonicalQuantity } from '../../src/local-cluster/api/quantity.ts';
import { parsePatch } from '../../src/local-cluster/api/patch.ts';
import { mergeStrategic } from '../../src/local-cluster/api/strategic-merge.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, jobsPath, minimalJob, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

// Sizes with which one step for each pair of items would take minutes: nothing here looks at a clock.
const many = 100_000;
const names = Array.from({ length: many }, (_, nth) => ({ name: `n${nth}` }));

describe('a quantity', () => {
  test.each(['1'.repeat(many), `${'1'.repeat(many)}!`, '.'.repeat(many)])(
    'of a hundred thousand digits is none',
    (text) => {
      expect(findCanonicalQuantity(text)).toBeUndefined();
    },
  );

  test('is read in one way', () => {
    const read = ['1e3', '1E3', '1E', '12Ki', '1e-3', '1-3', '+.5', '1.5Gi', '1iK', '--1'];
    expect(read.map(findCanonicalQuantity)).toEqual([
      '1e3',
      '1e3',
      '1E',
      '12Ki',
      '1e-3',
      undefined,
      '500m',
      '1536Mi',
      undefined,
      undefined,
    ]);
  });
});

describe('a strategic merge patch', () => {
  test('merges, orders and deletes items in lists of any length', () => {
    const merged = mergeStrategic({ env: names }, { env: names });
    expect(merged.env).toHaveLength(many);
    const ordered = mergeStrategic({}, { env: names, '$setElementOrder/env': names.toReversed() });
    expect(ordered.env).toHaveProperty('0', names.at(-1));
    const deletions = names.map(({ name }) => ({ name, $patch: 'delete' }));
    expect(mergeStrategic({ env: names }, { env: deletions }).env).toEqual([]);
  });

  test('adds to sets and takes from them, and keeps keys, of any number', () => {
    const finalizers = names.map(({ name }) => name);
    const others = finalizers.map((name) => `o${name}`);
    expect(mergeStrategic({ finalizers }, { finalizers: others }).finalizers).toHaveLength(2 * many);
    const removal = { '$deleteFromPrimitiveList/finalizers': finalizers };
    expect(mergeStrategic({ finalizers }, removal).finalizers).toEqual([]);
    const map = Object.fromEntries(finalizers.map((name) => [name, '']));
    const kept = mergeStrategic(map, { $retainKeys: finalizers });
    expect(Object.keys(kept)).toHaveLength(many);
  });
});

const move = (operations: { from: string; path: string }[]) =>
  parsePatch(
    Buffer.from(JSON.stringify(operations.map((operation) => ({ op: 'move', ...operation })))),
    'application/json-patch+json',
  ).apply({ spec: 'x'.repeat(100_000) });

describe('a JSON patch that moves', () => {
  const times = 1000;

  test('onto what is there copies it, and that has an end', () => {
    const ontoItself = { from: '/spec', path: '/spec' };
    expect(move([ontoItself])).toEqual({ spec: 'x'.repeat(100_000) });
    expect(() => move(Array.from({ length: times }, () => ontoItself))).toThrow('the server rejected');
  });

  test('to where nothing is may do so as often as it likes', () => {
    const thereAndBack = [
      { from: '/spec', path: '/kept' },
      { from: '/kept', path: '/spec' },
    ];
    expect(move(Array.from({ length: times }, () => thereAndBack).flat())).toHaveProperty('spec');
  });
});

const yaml = { 'content-type': 'application/yaml' };
const jobWith = (name: string, containers: string) => `
metadata: {name: ${name}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: ${containers}
`;

const post = (body: string, path = jobsPath) => api.ask(path, { method: 'POST', headers: yaml, body });

describe('YAML with aliases', () => {
  test('is read as if they were written out', async () => {
    const containers = '[{name: a, image: x, env: &e [{name: A, value: "1"}]}, {name: b, image: x, env: *e}]';
    expect(await post(jobWith('shared', containers))).toMatchObject({ status: 201 });
    const { containers: read } = api.registry.find('jobs', 'default', 'shared')?.spec.template.spec ?? {};
    expect(read?.map(({ env }) => env)).toEqual([[{ name: 'A', value: '1' }], [{ name: 'A', value: '1' }]]);
  });

  const wide = `&e [${Array.from({ length: 3000 }, (_, nth) => `{name: A${nth}}`).join()}]`;
  const levels = Array.from({ length: 40 }, (_, nth) => `a${nth + 1}: &a${nth + 1} [*a${nth}, *a${nth}]`);
  test.each([
    ['many of a long list', `a: ${wide}\nb: [${Array.from({ length: 100 }, () => '*e').join()}]`],
    [
      'many of a long text',
      `a: &e ${'x'.repeat(10_000)}\nb: [${Array.from({ length: 100 }, () => '*e').join()}]`,
    ],
    ['aliases of aliases', `a0: &a0 x\n${levels.join('\n')}`],
    ['an alias in its own anchor', 'a: &a {b: *a}'],
    [
      'a deep one made of shallow ones',
      `a0: &a0 x\n${Array.from({ length: 1000 }, (_, nth) => `a${nth + 1}: &a${nth + 1} [*a${nth}]`).join('\n')}`,
    ],
  ])('is refused when they stand for too much: %s', async (_what, body) => {
    const reply = await post(body);
    expect(reply).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
    expect(reply.body).toMatchObject({ message: expect.stringContaining('excessive aliasing') });
  });

  test('is refused in a review too', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const body = 'spec:\n  resourceAttributes: &a\n    verb: get\n    self: *a\n';
    expect((await post(body, path)).status).toBe(400);
  });

  test('may be as long as any body without them', async () => {
    const containers = `[{name: a, image: x, args: [${Array.from({ length: 100_000 }, () => 'a').join()}]}]`;
    expect((await post(jobWith('long', containers))).status).toBe(201);
  });
});

const tooLarge = { status: 500, body: { message: 'etcdserver: request is too large' } };

function paddedJob(name: string, length: number) {
  const job = minimalJob(name);
  Object.assign(job.spec.template.spec.containers[0] ?? {}, { args: ['x'.repeat(length)] });
  return job;
}

describe('an object over 1.5 MiB', () => {
  test('is not created', async () => {
    const body = paddedJob('large', 1.5 * 1024 * 1024);
    expect(await api.ask(jobsPath, { method: 'POST', headers: json, body })).toMatchObject(tooLarge);
    expect(api.registry.find('jobs', 'default', 'large')).toBeUndefined();
  });

  test('cannot be made by patches; what is there can still be told its end and be deleted', async () => {
    const path = `${jobsPath}/grown`;
    const body = paddedJob('grown', 1.35 * 1024 * 1024);
    expect((await api.ask(jobsPath, { method: 'POST', headers: json, body })).status).toBe(201);
    const patch = (key: string) => {
      const annotations = { [key]: 'x'.repeat(100 * 1024) };
      const headers = { 'content-type': 'application/merge-patch+json' };
      return api.ask(path, { method: 'PATCH', headers, body: { metadata: { annotations } } });
    };
    expect((await patch('a')).status).toBe(200);
    const version = api.registry.version();
    expect(await patch('b')).toMatchObject(tooLarge);
    expect(api.registry.version()).toBe(version);
    api.registry.update('jobs', { namespace: 'default', name: 'grown' }, (draft) => {
      draft.metadata.annotations = { padding: 'x'.repeat(1024 * 1024) };
    });
    expect((await api.ask(path, { method: 'DELETE' })).status).toBe(200);
  });
});
