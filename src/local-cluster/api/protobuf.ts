import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import { fieldName } from './protobuf-fields.ts';
import type { FieldType, ObjectSchema } from './schema.ts';
import { goName, schemaOf } from './schema.ts';
import { StatusError } from './status-error.ts';

/**
 * Reads the protobuf bodies that kubectl's own commands send (`create job`, `create namespace`, `auth can-i`) into the
 * same objects as JSON. Answers are always JSON. A field that is not known here is refused, never dropped.
 */

const magic = Buffer.from('k8s\0');

type WireField = { number: number; value: bigint | Buffer };

function* readFields(bytes: Buffer): Generator<WireField> {
  let at = 0;

  function readVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new GoJsonError('unexpected EOF');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new GoJsonError('proto: integer overflow');
  }

  while (at < bytes.length) {
    const tag = Number(readVarint());
    const wireType = tag & 7;
    if (wireType === 0) yield { number: tag >> 3, value: readVarint() };
    else if (wireType === 2) {
      const length = Number(readVarint());
      if (at + length > bytes.length) throw new GoJsonError('unexpected EOF');
      yield { number: tag >> 3, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw new GoJsonError(`proto: wire type ${wireType} is not expected`);
  }
}

const texts = (...fields: string[]): ObjectSchema =>
  new Map(fields.map((field) => [field, { is: 'string' }] as const));
const parts = (fields: Record<string, string>): ObjectSchema =>
  new Map(Object.entries(fields).map(([field, name]) => [field, { is: 'object', name }] as const));

/** Access reviews are no stored resources, and so in no schema. */
const reviewSchemas: Record<string, ObjectSchema> = {
  SelfSubjectAccessReview: parts({ metadata: 'V1ObjectMeta', spec: 'SelfSubjectAccessReviewSpec' }),
  SelfSubjectAccessReviewSpec: parts({
    resourceAttributes: 'ResourceAttributes',
    nonResourceAttributes: 'NonResourceAttributes',
  }),
  ResourceAttributes: texts('namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'),
  NonResourceAttributes: texts('path', 'verb'),
  SelfSubjectReview: parts({ metadata: 'V1ObjectMeta' }),
  SelfSubjectRulesReview: parts({ metadata: 'V1ObjectMeta', spec: 'SelfSubjectRulesReviewSpec' }),
  SelfSubjectRulesReviewSpec: texts('namespace'),
};

const models: Record<string, string> = {
  'v1/Namespace': 'V1Namespace',
  'batch/v1/Job': 'V1Job',
  'authentication.k8s.io/v1/SelfSubjectReview': 'SelfSubjectReview',
  'authorization.k8s.io/v1/SelfSubjectAccessReview': 'SelfSubjectAccessReview',
  'authorization.k8s.io/v1/SelfSubjectRulesReview': 'SelfSubjectRulesReview',
};

const unreadable = (what: string) =>
  new StatusError(
    'UnsupportedMediaType',
    `the local cluster does not read ${what} in protobuf; send JSON, for example with kubectl create -f`,
  );

const bytesOf = (value: bigint | Buffer | undefined): Buffer =>
  Buffer.isBuffer(value) ? value : Buffer.alloc(0);
const numberOf = (value: bigint | Buffer): number =>
  Buffer.isBuffer(value) ? 0 : Number(BigInt.asIntN(64, value));

function findField(bytes: Buffer, number: number): bigint | Buffer | undefined {
  for (const field of readFields(bytes)) if (field.number === number) return field.value;
  return undefined;
}

const findText = (bytes: Buffer, number: number): string =>
  bytesOf(findField(bytes, number)).toString('utf8');

function toTime(bytes: Buffer): string | undefined {
  const seconds = findField(bytes, 1);
  if (seconds === undefined) return undefined;
  const time = new Date(numberOf(seconds) * 1000);
  if (Number.isNaN(time.getTime()))
    throw new GoJsonError(`proto: no time is ${numberOf(seconds)} s after 1970`);
  return time.toISOString();
}

function toValue(type: FieldType, value: bigint | Buffer): unknown {
  switch (type.is) {
    case 'string':
      return bytesOf(value).toString('utf8');
    case 'boolean':
      return numberOf(value) !== 0;
    case 'number':
      return numberOf(value);
    case 'time':
      return toTime(bytesOf(value));
    case 'quantity':
      return findText(bytesOf(value), 1);
    case 'list':
      return toValue(type.of, value);
    case 'object':
      return toObject(type.name, bytesOf(value));
    default:
      throw unreadable('such a field');
  }
}

const plain = { enumerable: true, writable: true, configurable: true };

/** `model` names the JSON schema, `message` the numbering of its fields; they differ for fields that are held inline. */
function toObject(model: string, bytes: Buffer, message = goName(model)): JsonObject {
  const schema = reviewSchemas[model] ?? schemaOf(model);
  const object: JsonObject = {};
  for (const { number, value } of readFields(bytes)) {
    const name = fieldName(message, number);
    // What a client says of the status means nothing: it is the server's own.
    if (name === '!') continue;
    // Go writes every struct, also an empty one: that says nothing.
    if (Buffer.isBuffer(value) && value.length === 0 && (name === undefined || !schema.has(name))) continue;
    if (name?.startsWith('*') === true) {
      Object.assign(object, toObject(model, bytesOf(value), name.slice(1)));
      continue;
    }
    const type = name === undefined ? undefined : schema.get(name);
    if (name === undefined || type === undefined) throw unreadable(`field ${number} of ${message}`);
    const present = object[name];
    if (type.is === 'list') {
      if (Array.isArray(present)) present.push(toValue(type, value));
      else object[name] = [toValue(type, value)];
    } else if (type.is === 'map') {
      const key = findText(bytesOf(value), 1);
      const item = findField(bytesOf(value), 2) ?? Buffer.alloc(0);
      const map = isJsonObject(present) ? present : {};
      // Not by assignment: the key is the sender's, and may be __proto__.
      Object.defineProperty(map, key, { ...plain, value: toValue(type.of, item) });
      object[name] = map;
    } else object[name] = toValue(type, value);
  }
  return object;
}

/** Throws GoJsonError for what is no protobuf, StatusError 415 for what is not read here. */
export function parseProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw new GoJsonError(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  const envelope = body.subarray(magic.length);
  const typeMeta = bytesOf(findField(envelope, 1));
  const apiVersion = findText(typeMeta, 1);
  const kind = findText(typeMeta, 2);
  const model = models[`${apiVersion}/${kind}`];
  if (model === undefined) throw unreadable(kind);
  return { apiVersion, kind, ...toObject(model, bytesOf(findField(envelope, 2))) };
}
