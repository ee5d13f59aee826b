import * as fc from 'fast-check';
import type { KnownRoute } from './route-table.ts';

/** Requests that nobody should send: with at least one fault each, or with whatever chance puts into the fields that there are. */

export type OddRequest = {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string | null;
  /** Fields of the body that no schema knows: the answer must name every one. */
  unknownFields: string[];
};

const json = 'application/json';

/** Names that have meant trouble somewhere; none is a field of ours. */
const trouble = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'settings',
  'cache',
  '',
];

const anyText = fc.string({ unit: 'grapheme', maxLength: 300 });
const longText = fc.integer({ min: 1, max: 60_000 }).map((length) => 'a'.repeat(length));
const unknownName = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => `no-${text}`);

const extremes = fc.constantFrom<unknown>(
  -1,
  -0,
  2 ** 31,
  2 ** 53,
  1e308,
  -1e308,
  0.1,
  true,
  null,
  [],
  {},
  [[[]]],
  '\0',
  '\ud800',
  '../..',
  '$(HOME)',
  "'; DROP TABLE jobs; --",
  '<script>alert(1)</script>',
);

const anyValue = fc.oneof(extremes, anyText, longText, fc.jsonValue({ maxDepth: 4 }));

function anyFields(names: readonly string[]): fc.Arbitrary<[string, unknown][]> {
  const name =
    names.length === 0 ? unknownName : fc.oneof(fc.constantFrom(...names), fc.constantFrom(...trouble));
  return fc.array(fc.tuple(name, anyValue), { maxLength: 6 });
}

/** Written by hand, since an object literal would take `__proto__` for its prototype. */
function toJson(fields: readonly [string, unknown][]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

function toText(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
}

function toForm(fields: readonly [string, unknown][]): string {
  return fields.map((pair) => pair.map((part) => encodeURIComponent(toText(part))).join('=')).join('&');
}

type Body = Pick<OddRequest, 'body' | 'unknownFields'> & { type: string };

/** A body that the route cannot take: unknown fields among any others, no object at all, cut off, or of another type. */
function malformedBody({ types, fields }: NonNullable<KnownRoute['body']>): fc.Arbitrary<Body> {
  const type = fc.constantFrom(...types);
  const withUnknown = fc
    .tuple(type, anyFields(fields), fc.uniqueArray(unknownName, { minLength: 1, maxLength: 3 }))
    .map(([each, known, unknown]): Body => {
      const all: [string, unknown][] = [...known, ...unknown.map((name): [string, unknown] => [name, 1])];
      return { type: each, body: each === json ? toJson(all) : toForm(all), unknownFields: unknown };
    });
  const noObject = fc
    .oneof(fc.array(anyValue), fc.double(), anyText, fc.boolean(), fc.constant(null))
    .map((value): Body => ({ type: json, body: JSON.stringify(value), unknownFields: [] }));
  const cutOff = fc
    .tuple(anyFields(fields), anyText)
    .map(([known, rest]): Body => ({ type: json, body: `${toJson(known)}${rest}x`, unknownFields: [] }));
  const deep = fc.integer({ min: 200, max: 20_000 }).map((levels): Body => ({
    type: json,
    body: '['.repeat(levels) + ']'.repeat(levels),
    unknownFields: [],
  }));
  const otherType = fc
    .tuple(
      fc.constantFrom('text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'x/y'),
      anyText,
    )
    .map(([each, text]): Body => ({ type: each, body: `${text}.`, unknownFields: [] }));
  const jsons = types.includes(json) ? [noObject, cutOff, deep] : [];
  return fc.oneof(withUnknown, otherType, ...jsons);
}

const oddHeaders = fc.constantFrom<Record<string, string>>(
  {},
  { accept: 'text/html' },
  { accept: '*/*;q=nonsense' },
  { 'accept-encoding': 'x' },
  { authorization: 'Bearer' },
  { authorization: `Basic ${'A'.repeat(2000)}` },
  { cookie: '__proto__=1; a="' },
  { 'x-forwarded-for': 'nonsense' },
  { 'x-http-method-override': 'DELETE' },
  { 'last-event-id': '-1' },
  { 'idempotency-key': ' ' },
  { range: 'bytes=0-' },
  { 'if-none-match': '*' },
);

/** The id of a job that is there, of none, and what is no id. */
const anyId = (known: string) =>
  fc
    .oneof(fc.constant(known), fc.constantFrom('..', '.', '%', '\0', '\\', 'a/b', '\u202e'), anyText)
    .map((id) => encodeURIComponent(id.toWellFormed() || known));

const anyQuery = (names: readonly string[]) =>
  fc
    .tuple(fc.array(fc.tuple(fc.constantFrom(...names, ...trouble), anyText), { maxLength: 4 }), unknownName)
    .map(([pairs, unknown]) => toForm([...pairs, [unknown, '1']]));

export function malformedRequest(routes: readonly KnownRoute[], knownId: string): fc.Arbitrary<OddRequest> {
  return fc.constantFrom(...routes).chain((route) => {
    const { method, path, queryNames, body } = route;
    const target = anyId(knownId).map((id) => path.replaceAll(/\{\w+\}/g, id));
    const byQuery = fc
      .record({ target, query: anyQuery(queryNames), headers: oddHeaders })
      .map((parts): OddRequest => ({
        method,
        target: `${parts.target}?${parts.query}`,
        headers: parts.headers,
        body: null,
        unknownFields: [],
      }));
    const byMethod = fc
      .record({
        target,
        odd: fc.constantFrom('PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'),
        headers: oddHeaders,
      })
      .map((parts): OddRequest => ({
        method: parts.odd,
        target: parts.target,
        headers: parts.headers,
        body: null,
        unknownFields: [],
      }));
    if (body === null) return fc.oneof(byQuery, byMethod);
    const byBody = fc
      .record({ target, sent: malformedBody(body), headers: oddHeaders })
      .map((parts): OddRequest => ({
        method,
        target: parts.target,
        headers: { ...parts.headers, 'content-type': parts.sent.type },
        body: parts.sent.body,
        unknownFields: parts.sent.unknownFields,
      }));
    return fc.oneof({ weight: 6, arbitrary: byBody }, { weight: 1, arbitrary: byQuery }, byMethod);
  });
}

const knownPairs = (names: readonly string[]) =>
  names.length === 0
    ? fc.constant([])
    : fc.uniqueArray(fc.tuple(fc.constantFrom(...names), anyValue), {
        maxLength: 8,
        selector: ([name]) => name,
      });

/** Known fields and parameters alone, so that some of it may pass. */
export function anyRequest(routes: readonly KnownRoute[], knownId: string): fc.Arbitrary<OddRequest> {
  return fc.constantFrom(...routes).chain(({ method, path, queryNames, body }) => {
    return fc
      .record({
        id: anyId(knownId),
        query: knownPairs(queryNames),
        fields: knownPairs(body?.fields ?? []),
        headers: oddHeaders,
      })
      .chain(({ id, query, fields, headers }) =>
        fc.constantFrom(...(body?.types ?? [null])).map((type): OddRequest => ({
          method,
          target: `${path.replaceAll(/\{\w+\}/g, id)}?${toForm(query)}`,
          headers: type === null ? headers : { ...headers, 'content-type': type },
          body: type === null ? null : type === json ? toJson(fields) : toForm(fields),
          unknownFields: [],
        })),
      );
  });
}
