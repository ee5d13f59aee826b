/**
 * Owns: what a route is. One definition per route: its path, the schemas of what comes in, the answers it may give, and
 * the handler; Express' routing, the 405s and the OpenAPI document are all made from these definitions.
 * May import: core, store (types). Never: SQLite, client-node, process.env.
 */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { needsRole } from '../core/access.ts';
import type { Caller, Need } from '../core/access.ts';
import { toInvalid, tryInput } from '../core/parse.ts';
import type { Problem } from './problem.ts';

type BodyType = 'json' | 'form';

export type Body = {
  types: readonly BodyType[];
  schema: z.ZodType;
  /** Shown in the OpenAPI document in place of `schema`, where that one is looser than the real shape. */
  documentedAs?: z.ZodType;
  /** Bytes; longer bodies are 413. */
  limit: number;
};

/** An answer as it is documented: JSON of the schema, text of the media type, either of both, or no body at all. */
export type Answer = { description: string; schema?: z.ZodType; mediaType?: string };

/** Renders a refusal in place of the usual error page, so that a form comes back with what was typed. */
export type ShowRefusal = (refusal: { problem: Problem; fields: unknown; res: Response }) => void;

type Description = {
  method: 'get' | 'post';
  /** In Express' notation. */
  path: string;
  /** A page's errors are HTML, unless the client refuses HTML; all others are problem+json. */
  kind: 'page' | 'api';
  /** Who may use it; without this no route compiles. */
  needs: Need;
  tag: string;
  summary: string;
  description?: string;
  answers: Readonly<Record<number, Answer>>;
  /** The statuses of its problem answers, without 429 and 500, which every route may give, and those that a need for a role brings. */
  problems: readonly number[];
  /** No browser calls it: exempt from the Host and cross-site rules. */
  forMachines?: boolean;
  /** The kubelet asks it: never refused for coming often. */
  isProbe?: boolean;
  /** Workers call it: where they have a listener of their own (CALLBACK_PORT), it is there, and there alone unless `too`. */
  forWorkers?: 'alone' | 'too';
  /** It is open to all, and yet what it answers depends on who asks; a route that needs a role always does. */
  dependsOnCaller?: boolean;
  /** Its answer may go on for as long as the client likes, so its length tells nothing of how fast we are. */
  isLasting?: boolean;
};

export type Route = Description & {
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: Body;
  showRefusal?: ShowRefusal;
  /** `admit` is asked once the input is in order, and rejects for whom the route is not. */
  handle: (req: Request, res: Response, admit: () => Promise<Caller>) => Promise<void>;
};

type Input<Q extends z.ZodType, H extends z.ZodType, B extends z.ZodType> = {
  req: Request;
  res: Response;
  caller: Caller;
  /** The value of `:name` in the path. */
  param: (name: string) => string;
  query: z.output<Q>;
  headers: z.output<H>;
  body: z.output<B>;
};

const nothing = z.strictObject({});
type Nothing = typeof nothing;

/** Bodies of 1 MiB, as long as a job with many arguments may need. */
const usualLimit = 1024 * 1024;

type Definition<Q extends z.ZodObject, H extends z.ZodObject, B extends z.ZodType> = Description & {
  query?: Q;
  headers?: H;
  body?: Omit<Body, 'schema' | 'limit'> & { schema: B; limit?: number };
  showRefusal?: ShowRefusal;
  handle: (input: Input<Q, H, B>) => unknown;
};

/**
 * Makes a route whose handler sees only parsed input. Faults of query, headers and body are reported together; unknown
 * query parameters are faults, empty ones count as absent (a form with GET sends them).
 */
export function route<
  Q extends z.ZodObject = Nothing,
  H extends z.ZodObject = Nothing,
  B extends z.ZodType = Nothing,
>(definition: Definition<Q, H, B>): Route;
// The types of the three schemas are for callers; in here, where a schema may be missing, they would only stand in the way.
export function route({
  query,
  headers,
  body,
  handle,
  problems,
  ...description
}: Definition<z.ZodObject, z.ZodObject, z.ZodType>): Route {
  const read = toReader(query ?? nothing, headers ?? nothing, body?.schema ?? nothing);
  return {
    ...description,
    // 503: the issuer of an ID token cannot be asked who that is.
    problems: needsRole(description.needs) ? [...new Set([...problems, 401, 403, 503])] : problems,
    query,
    headers,
    body: body === undefined ? undefined : { limit: usualLimit, ...body },
    handle: async (req, res, admit) => {
      const input = read(req);
      const caller = await admit();
      await handle({ req, res, caller, param: (name) => paramOf(req, name), ...input });
    },
  };
}

function toReader(querySchema: z.ZodObject, headerSchema: z.ZodObject, bodySchema: z.ZodType) {
  return (req: Request) => {
    const query = attempt(querySchema, givenOnly(req.query), '?');
    const headers = attempt(headerSchema, namedHeaders(req, headerSchema), 'header ');
    const body = attempt(bodySchema, req.body === undefined ? {} : req.body, '/');
    if ('told' in query || 'told' in headers || 'told' in body) {
      const faulty = [query, headers, body].filter((part) => 'told' in part);
      throw toInvalid('The request', {
        told: faulty.flatMap(({ told }) => told),
        count: faulty.reduce((sum, { count }) => sum + count, 0),
      });
    }
    return { query: query.value, headers: headers.value, body: body.value };
  };
}

function attempt<S extends z.ZodType>(schema: S, input: unknown, place: string) {
  const parsed = tryInput(schema, input);
  if ('value' in parsed) return parsed;
  const told = parsed.told.map(({ pointer, detail }) => ({ pointer: pointer.replace(/^\//, place), detail }));
  return { ...parsed, told };
}

function givenOnly(query: Request['query']) {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
}

function namedHeaders(req: Request, schema: z.ZodObject) {
  return Object.fromEntries(Object.keys(schema.shape).map((name) => [name, req.get(name)]));
}

function paramOf(req: Request, name: string): string {
  const value = req.params[name];
  if (typeof value !== 'string') throw new TypeError(`the path ${req.path} has no :${name}`);
  return value;
}
