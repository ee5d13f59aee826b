import { afterAll, beforeAll, expect, test } from '@jest/globals';
import request from 'supertest';
import { z } from 'zod';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
let document: z.output<typeof documentSchema>;

const contentSchema = z.record(z.string(), z.object({ schema: z.looseObject({}) }));
const operationSchema = z.strictObject({
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().optional(),
  operationId: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.enum(['path', 'query', 'header']) })),
  requestBody: z.strictObject({ required: z.boolean(), content: contentSchema }).optional(),
  servers: z.array(z.strictObject({ url: z.url(), description: z.string() })).optional(),
  responses: z.record(
    z.string().regex(/^\d{3}$/),
    z.strictObject({ description: z.string(), content: contentSchema }),
  ),
});
const documentSchema = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string().startsWith('/'), z.partialRecord(z.enum(['get', 'post']), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

beforeAll(async () => {
  side = await startHttpSide();
  document = documentSchema.parse((await request(side.url).get('/openapi.json').expect(200)).body);
});
afterAll(() => side.stop());

/** What Express itself says that it serves. */
const layerSchema = z.object({
  route: z
    .object({ path: z.string(), stack: z.array(z.object({ method: z.string().optional() })) })
    .optional(),
});

test('every route that Express serves is in the document, and the other way round', () => {
  const layers = z.array(layerSchema).parse(side.app.router.stack);
  const served = layers.flatMap(({ route }) =>
    // The icon is a file like those under /assets, which are no routes either.
    route === undefined || route.path === '/favicon.ico'
      ? []
      : [...new Set(route.stack.flatMap(({ method }) => method ?? []))].map(
          (method) => `${method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`,
        ),
  );
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  expect(documented.toSorted()).toEqual(served.toSorted());
  expect(documented.length).toBeGreaterThan(15);
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target);
  const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  expect(references.filter((target) => !known.includes(target ?? ''))).toEqual([]);
  expect(references.length).toBeGreaterThan(10);
});

test('every operation has its own id and tells of its problems', () => {
  const operations = Object.values(document.paths).flatMap((each) => Object.values(each));
  const ids = operations.map((operation) => operation?.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const operation of operations) {
    expect(operation?.responses['500']?.content).toHaveProperty(['application/problem+json']);
  }
});

test('what may become of who is nobody yet is told where a role is needed', () => {
  const read = document.paths['/jobs']?.get?.responses ?? {};
  expect(Object.keys(read)).toEqual(expect.arrayContaining(['303', '401', '403', '503']));
  expect(Object.keys(document.paths['/api/v1/jobs']?.get?.responses ?? {})).not.toContain('303');
  expect(Object.keys(document.paths['/healthz']?.get?.responses ?? {})).not.toContain('503');
});

test('reports are told of with the port that takes them, where that is another one', async () => {
  expect(document.paths['/status']?.post?.servers).toBeUndefined();
  const people = await startHttpSide({ side: 'people' });
  const { paths } = documentSchema.parse((await request(people.url).get('/openapi.json').expect(200)).body);
  await people.stop();
  expect(Object.keys(paths)).toEqual(Object.keys(document.paths));
  const elsewhere = Object.entries(paths).filter(([, { get, post }]) => (get ?? post)?.servers !== undefined);
  expect(elsewhere.map(([path]) => path)).toEqual(['/status', '/updatejobstatus']);
  expect(paths['/status']?.post?.servers?.[0]?.url).toBe('http://jobspawn-callback.example:8081');
});

test('requests and parameters are those that the routes parse with', () => {
  const operation = document.paths['/api/v1/jobs']?.post;
  expect(operation?.requestBody).toMatchObject({
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/JobRequest' } } },
  });
  expect(operation?.parameters.map(({ name }) => name)).toEqual(['Idempotency-Key']);
  const list = document.paths['/api/v1/jobs']?.get;
  expect(list?.parameters.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['state', 'name', 'q', 'limit', 'cursor']),
  );
  const shape = document.components.schemas['JobRequest'];
  expect(shape).toMatchObject({
    required: ['name'],
    additionalProperties: false,
    properties: { args: { maxItems: 1000 }, env: { maxProperties: 1000 } },
  });
});

test('/docs shows it with scripts from our own origin alone', async () => {
  const { text } = await request(side.url).get('/docs').expect(200);
  const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
  expect(sources.every((source) => /^\/[^/]/.test(source))).toBe(true);
  expect(text).not.toMatch(/<script(?![^>]*src=)/);
});
