import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { needsRole, roles } from '../core/access.ts';
import type { Need } from '../core/access.ts';
import { jobRequestSchema } from '../core/job-request.ts';
import { jobEventSchema, jobPageSchema, jobSchema, jobSummarySchema } from '../core/job.ts';
import { reportSchema } from '../core/report.ts';
import { problemSchema } from './problem.ts';
import { route } from './route.ts';
import type { Answer, Body, Route } from './route.ts';

type Json = Record<string, unknown>;

/** The shapes that have a name of their own in the document. */
const named: [string, z.ZodType][] = [
  ['Job', jobSchema],
  ['JobSummary', jobSummarySchema],
  ['JobPage', jobPageSchema],
  ['JobEvent', jobEventSchema],
  ['Problem', problemSchema],
];
const namedInput: [string, z.ZodType][] = [
  ['JobRequest', jobRequestSchema],
  ['Report', reportSchema],
];

const componentPath = '#/components/schemas/';

/** Express' `/jobs/:id` as OpenAPI writes it. */
function toOpenApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

/** The OpenAPI 3.1 document, made from the very schemas that the routes parse with. */
function toOpenApi(
  routes: readonly Route[],
  { version, workersUrl }: { version: string; workersUrl?: string },
) {
  const paths: Record<string, Json> = {};
  for (const each of routes) {
    const path = toOpenApiPath(each.path);
    const servers =
      each.forWorkers === 'alone' && workersUrl !== undefined ? toServers(workersUrl) : undefined;
    paths[path] = { ...paths[path], [each.method]: { ...toOperation(each), servers } };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Jobspawn',
      version,
      description:
        'Spawns Kubernetes Jobs on request, watches them, and keeps what they said. Errors are RFC 9457 problems that list all faults at once, up to a hundred.',
    },
    servers: [{ url: '/' }],
    tags: ['Jobs', 'Events', 'Workers', 'Operation', 'Pages'].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...toComponents(named, 'output'), ...toComponents(namedInput, 'input') },
      securitySchemes: {
        jobToken: { type: 'http', scheme: 'bearer', description: 'The token of one job' },
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token with a role: viewer, operator or admin. Where AUTH is none, nothing is asked for',
        },
      },
    },
  };
}

/** The document itself as a route; `routes` gives all of them, this one included. */
export function createOpenApi({
  routes,
  version,
  workersUrl,
}: {
  routes: () => readonly Route[];
  version: string;
  /** Of the listener that serves what is for workers alone, where that is another one than ours. */
  workersUrl: () => string | undefined;
}): Route[] {
  let document: Json | undefined;
  return [
    route({
      method: 'get',
      path: '/openapi.json',
      needs: 'viewer',
      kind: 'api',
      tag: 'Operation',
      summary: 'This document',
      answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
      problems: [400, 421],
      handle: ({ res }) => {
        document ??= toOpenApi(routes(), { version, workersUrl: workersUrl() });
        res.json(document);
      },
    }),
    route({
      method: 'get',
      path: '/docs',
      needs: 'viewer',
      kind: 'page',
      tag: 'Pages',
      summary: 'This document, to read and try',
      answers: { 200: { description: 'The page', mediaType: 'text/html' } },
      problems: [400, 421],
      handle: ({ res }) => res.render('docs', { title: 'API' }),
    }),
  ];
}

function toOperation(each: Route): Json {
  const always = [429, 500].map((status): [number, Json] => [status, toProblemAnswer(status)]);
  const problems = each.problems.map((status): [number, Json] => [status, toProblemAnswer(status)]);
  const answers = Object.entries({ ...toLogin(each), ...each.answers }).map(
    ([status, answer]): [string, Json] => [status, toAnswer(answer)],
  );
  return {
    tags: [each.tag],
    summary: each.summary,
    description: describe(each),
    operationId: `${each.method}${each.path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    security: securityOf(each.needs),
    parameters: [
      ...[...each.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...toParameters('query', each.query),
      ...toParameters('header', each.headers),
    ],
    requestBody: each.body === undefined ? undefined : toRequestBody(each.body),
    responses: Object.fromEntries([...problems, ...always, ...answers]),
  };
}

/** In place of the document's own. */
function toServers(workersUrl: string): Json[] {
  return [{ url: workersUrl, description: 'The port for workers (CALLBACK_PORT)' }];
}

/** A browser that comes to a page without a login is asked for one. */
function toLogin({ kind, method, needs }: Route): Record<number, Answer> {
  const leadsThere = kind === 'page' && method === 'get' && needsRole(needs);
  return leadsThere ? { 303: { description: 'To the login, for a browser without one' } } : {};
}

function describe({ description, needs }: Route): string | undefined {
  if (!needsRole(needs)) return description;
  return [description, `For ${roles.slice(roles.indexOf(needs)).join(', ')}.`].filter(Boolean).join(' ');
}

function securityOf(need: Need): Json[] {
  if (need === 'nobody') return [];
  return [need === 'worker' ? { jobToken: [] } : { accessToken: [] }];
}

function toParameters(place: 'query' | 'header', schema: z.ZodObject | undefined): Json[] {
  return Object.entries<unknown>(schema?.shape ?? {}).flatMap(([name, each]) => {
    if (!(each instanceof z.ZodType)) return [];
    const { description, ...shape } = toJsonSchema(each, 'input');
    return { name, in: place, required: false, description, schema: shape };
  });
}

function toRequestBody({ types, schema, documentedAs }: Body): Json {
  const documented = documentedAs ?? schema;
  const shape = toJsonSchema(documented, 'input');
  const mediaTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded' };
  return {
    required: !documented.safeParse({}).success,
    content: Object.fromEntries(types.map((type) => [mediaTypes[type], { schema: shape }])),
  };
}

function toAnswer({ description, schema, mediaType }: Answer): Json {
  const json = schema === undefined ? {} : { 'application/json': { schema: toJsonSchema(schema, 'output') } };
  const text = mediaType === undefined ? {} : { [mediaType]: { schema: { type: 'string' } } };
  return { description, content: { ...json, ...text } };
}

function toProblemAnswer(status: number): Json {
  return {
    description: STATUS_CODES[status] ?? 'Problem',
    content: { 'application/problem+json': { schema: { $ref: `${componentPath}Problem` } } },
  };
}

function toComponents(shapes: [string, z.ZodType][], io: 'input' | 'output'): Record<string, Json> {
  return Object.fromEntries(shapes.map(([name, schema]) => [name, inlineSchema(schema, io)]));
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const name = nameOf(schema);
  return name === undefined ? inlineSchema(schema, io) : { $ref: componentPath + name };
}

/**
 * `$defs` would be looked up from the root of the document, where they are not. The one recursive shape is "any JSON",
 * for which the empty schema says the same.
 */
function inlineSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, $defs: __, ...shape } = z.toJSONSchema(schema, { io, override: simplify });
  const parsed: unknown = JSON.parse(JSON.stringify(shape), (_key, value: unknown) =>
    isJson(value) && typeof value['$ref'] === 'string' && value['$ref'].startsWith('#/$defs/') ? {} : value,
  );
  return isJson(parsed) ? parsed : {};
}

/** Refers to named shapes, and drops what zod adds to say exactly what it checks but hides the shape from a reader. */
const simplify: NonNullable<z.core.ToJSONSchemaParams['override']> = ({ zodSchema, jsonSchema, path }) => {
  const name = path.length > 0 ? nameOf(zodSchema) : undefined;
  if (name !== undefined) {
    for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    jsonSchema.$ref = componentPath + name;
  }
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};

function nameOf(schema: unknown): string | undefined {
  return [...named, ...namedInput].find(([, shape]) => shape === schema)?.[0];
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
