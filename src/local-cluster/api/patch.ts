import fastJsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { parseGoJson } from './go-json.ts';
import { cloneJson, isDeeper, isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import { mediaTypeOf } from './request-body.ts';
import { StatusError } from './status-error.ts';
import { mergeStrategic } from './strategic-merge.ts';

/** Applies a patch to the object as it stands. Throws StatusError 400, 422. */
export type Patch = { strategy: 'json' | 'merge' | 'strategic'; apply: (current: unknown) => unknown };

const maxOperations = 10_000;
/** Operations can pile up what no body may hold. */
const deepest = 200;
/**
 * How many characters the operations of one patch may copy, as in the API server: each could double the object. A move
 * copies too: fast-json-patch keeps what stood at its target.
 */
const mostCopied = 3 * 1024 * 1024;

const badPatch = (message: string) => new StatusError('BadRequest', `error decoding patch: ${message}`);

const unprocessable = () =>
  new StatusError('Invalid', 'the server rejected our request due to an error in our request', {
    details: {},
  });

/** RFC 7386. */
export function mergePatch(current: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(Object.entries(isJsonObject(current) ? current : {}));
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) merged.delete(field);
    else merged.set(field, mergePatch(merged.get(field), value));
  }
  return Object.fromEntries(merged);
}

const operationNames = ['add', 'remove', 'replace', 'move', 'copy', 'test'];

const isOperation = (value: unknown): value is Operation =>
  isJsonObject(value) && operationNames.includes(String(value.op)) && typeof value.path === 'string';

function parseOperations(value: unknown): unknown[] {
  if (!Array.isArray(value)) {
    throw badPatch(`json: cannot unmarshal ${kindOf(value)} into Go value of type []handlers.jsonPatchOp`);
  }
  if (value.length <= maxOperations) return value;
  throw new StatusError(
    'RequestEntityTooLarge',
    `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${value.length}`,
  );
}

const kindOf = (value: unknown) =>
  Array.isArray(value)
    ? 'array'
    : value === null
      ? 'null'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value;

/**
 * As in the API server's library: `replace` of a key that is not there adds it, and `test` takes such a key for null;
 * undefined when that is what it asks for.
 */
function toLenient(document: unknown, operation: Operation): Operation | undefined {
  if (operation.op !== 'replace' && operation.op !== 'test') return operation;
  const present: unknown = fastJsonPatch.getValueByPointer(document, operation.path);
  if (present !== undefined) return operation;
  if (operation.op === 'replace') return { ...operation, op: 'add' };
  return operation.value === null ? undefined : operation;
}

function sizeAt(document: unknown, pointer: string): number {
  const value: unknown = fastJsonPatch.getValueByPointer(document, pointer);
  return value === undefined ? 0 : JSON.stringify(value).length;
}

function applyOperations(current: unknown, operations: unknown[]): unknown {
  let document = cloneJson(current);
  let copied = 0;
  try {
    for (const operation of operations) {
      if (!isOperation(operation)) throw unprocessable();
      if (operation.op === 'copy') copied += sizeAt(document, operation.from);
      if (operation.op === 'move') copied += sizeAt(document, operation.path);
      if (copied > mostCopied) throw unprocessable();
      const lenient = toLenient(document, operation);
      if (lenient === undefined) continue;
      document = fastJsonPatch.applyOperation(document, lenient, true).newDocument;
    }
    if (isDeeper(document, deepest)) throw unprocessable();
    return document;
  } catch {
    // Kubernetes does not say which operation failed, nor why.
    throw unprocessable();
  }
}

function parseMerge(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw badPatch(`json: cannot unmarshal ${kindOf(value)} into Go value of type map[string]interface {}`);
}

const strategies = new Map<string, Patch['strategy']>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
]);

/** Reads the body of a PATCH by its media type. Throws StatusError 400, 413, 415. */
export function parsePatch(body: Buffer, contentType: string | undefined): Patch {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === 'application/apply-patch+yaml') {
    throw new StatusError(
      'UnsupportedMediaType',
      'the local cluster keeps no managed fields and cannot apply on the server side; use client-side apply',
    );
  }
  const strategy = strategies.get(mediaType);
  if (strategy === undefined) {
    throw new StatusError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} });
  }
  let value: unknown;
  try {
    ({ value } = parseGoJson(body.toString('utf8')));
  } catch (error) {
    if (error instanceof GoJsonError) throw badPatch(error.message);
    throw error;
  }
  if (strategy === 'json') {
    const operations = parseOperations(value);
    return { strategy, apply: (current) => applyOperations(current, operations) };
  }
  const patch = parseMerge(value);
  if (strategy === 'merge') return { strategy, apply: (current) => mergePatch(current, patch) };
  return { strategy, apply: (current) => mergeStrategic(current, patch) };
}
