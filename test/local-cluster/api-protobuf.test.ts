import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { jobsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

type Fields = [number, string | number | Buffer][];

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

function message(fields: Fields): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)]);
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
  });
  return Buffer.concat(parts);
}

/** As kubectl wraps an object: a magic word, its apiVersion and kind, and the object. */
const wrap = (apiVersion: string, kind: string, object: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    message([
      [
        1,
        message([
          [1, apiVersion],
          [2, kind],
        ]),
      ],
      [2, object],
      [3, ''],
      [4, ''],
    ]),
  ]);

async function post(path: string, body: Buffer): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${api.port}${api.prefix}${path}`, {
    method: 'POST',
    // fetch of Node sends sec-fetch-mode, but no Sec-Fetch-Site: it is no browser.
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body: new Uint8Array(body),
  });
  return { status: response.status, body: await response.json() };
}

const metadata = message([
  [1, 'quick'],
  [2, ''],
  [7, 0],
  [8, ''],
  [
    11,
    message([
      [1, 'app'],
      [2, 'demo'],
    ]),
  ],
]);
const limits = message([
  [
    1,
    message([
      [1, 'cpu'],
      [2, message([[1, '500m']])],
    ]),
  ],
]);
const container = message([
  [1, 'main'],
  [2, 'example.com/tool:1'],
  [3, 'date'],
  [3, '+%Y'],
  [8, limits],
  [16, 0],
]);
const jobOf = (podSpec: Fields) =>
  message([
    [1, metadata],
    [
      2,
      message([
        [1, 3],
        [
          6,
          message([
            [1, ''],
            [2, message(podSpec)],
          ]),
        ],
      ]),
    ],
    [3, message([[4, 0]])],
  ]);

const named = (fields: Fields) => wrap('v1', 'Namespace', message([[1, message(fields)]]));

describe('a body in protobuf', () => {
  test('is read as kubectl create job sends it', async () => {
    const body = wrap(
      'batch/v1',
      'Job',
      jobOf([
        [2, container],
        [3, 'Never'],
        [11, 0],
      ]),
    );
    expect(await post(jobsPath, body)).toMatchObject({ status: 201 });
    expect(api.registry.find('jobs', 'default', 'quick')).toMatchObject({
      metadata: { name: 'quick', labels: { app: 'demo' }, generation: 1 },
      spec: {
        parallelism: 3,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'main', command: ['date', '+%Y'], resources: { limits: { cpu: '500m' } } }],
          },
        },
      },
      status: {},
    });
  });

  test('asks for access as kubectl auth can-i does', async () => {
    const attributes = message([
      [2, 'create'],
      [3, 'batch'],
      [5, 'jobs'],
    ]);
    const review = message([
      [1, ''],
      [2, message([[1, attributes]])],
      [3, message([[1, 0]])],
    ]);
    const body = wrap('authorization.k8s.io/v1', 'SelfSubjectAccessReview', review);
    const reply = await post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body);
    expect(reply).toMatchObject({ status: 201, body: { status: { allowed: true } } });
  });

  test('may hold lists and maps of any length', async () => {
    const many = 50_000;
    const labels: Fields = Array.from({ length: many }, (_, nth) => [11, message([[1, `n${nth}`]])]);
    const finalizers: Fields = Array.from({ length: many }, (_, nth) => [14, `example.com/n${nth}`]);
    for (const fields of [labels, finalizers]) {
      const body = named([[1, `long-${fields === labels}`], ...fields]);
      expect(await post('/api/v1/namespaces', body)).toMatchObject({ status: 201 });
    }
  });

  test('with a label that every object has is no exception', async () => {
    const body = named([
      [1, 'odd'],
      [11, message([[1, '__proto__']])],
    ]);
    expect(await post('/api/v1/namespaces', body)).toMatchObject({ status: 422 });
  });

  test('with a time that is none is refused', async () => {
    const body = named([
      [1, 'late'],
      [8, message([[1, 2 ** 50]])],
    ]);
    expect(await post('/api/v1/namespaces', body)).toMatchObject({ status: 400 });
  });

  test('with a field that is not read here is refused, not cut', async () => {
    const affinity = message([[1, message([[1, 'x']])]]);
    const body = wrap(
      'batch/v1',
      'Job',
      jobOf([
        [2, container],
        [18, affinity],
      ]),
    );
    const reply = await post(jobsPath, body);
    expect(reply).toMatchObject({ status: 415, body: { reason: 'UnsupportedMediaType' } });
  });

  test.each([
    ['no magic word', Buffer.from('{}')],
    ['a length beyond its end', Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x0a, 0xff])])],
    ['a number without end', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(20, 0xff)])],
  ])('with %s is refused', async (_name, body) => {
    expect((await post(jobsPath, body)).status).toBe(400);
  });
});
