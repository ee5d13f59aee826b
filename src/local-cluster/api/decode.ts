import { toStoredTime } from './go-time.ts';
import { isJsonObject, sortKeys } from './json.ts';
import type { JsonObject } from './json.ts';
import { findCanonicalQuantity, quantityPatternMessage } from './quantity.ts';
import type { FieldType, Root } from './schema.ts';
import { goName, rootSchema, schemaOf } from './schema.ts';

/** A value of the wrong type, in the words of Go's decoder. */
export class DecodeError extends Error {}

export type Decoded = { object: JsonObject; unknownFields: string[] };

type Place = {
  /** With indices, for unknown fields. */
  path: string;
  /** Field names only, as Go's type errors have them. */
  fields: string[];
  struct: string;
};

const goTypes: Record<string, string> = {
  restartPolicy: 'v1.RestartPolicy',
  imagePullPolicy: 'v1.PullPolicy',
  terminationMessagePolicy: 'v1.TerminationMessagePolicy',
  dnsPolicy: 'v1.DNSPolicy',
  completionMode: 'v1.CompletionMode',
  podReplacementPolicy: 'v1.PodReplacementPolicy',
  protocol: 'v1.Protocol',
};

function goType(type: FieldType, field: string): string {
  switch (type.is) {
    case 'number':
      return type.format === 'double' ? 'float64' : type.format;
    case 'list':
      return `[]${goType(type.of, '')}`;
    case 'map':
      return `map[string]${goType(type.of, '')}`;
    case 'object':
      return `v1.${goName(type.name)}`;
    case 'boolean':
      return 'bool';
    case 'string':
      return goTypes[field] ?? 'string';
    default:
      return 'string';
  }
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'object' : typeof value;
}

function refuse(type: FieldType, value: unknown, place: Place, detail = ''): never {
  const field = place.fields.at(-1) ?? '';
  throw new DecodeError(
    `json: cannot unmarshal ${nameOf(value)}${detail} into Go struct field ${place.struct}.${place.fields.join('.')} of type ${goType(type, field)}`,
  );
}

const bounds = { int32: 2 ** 31, int64: 2 ** 63, double: Infinity } as const;

function checkNumber(type: FieldType & { is: 'number' }, value: unknown, place: Place): number {
  if (typeof value !== 'number') return refuse(type, value, place);
  const bound = bounds[type.format];
  const fits = value >= -bound && value < bound && (type.format === 'double' || Number.isInteger(value));
  return fits ? value : refuse(type, value, place, ` ${value}`);
}

function decodeTime(value: unknown, type: FieldType & { is: 'time' }, place: Place): string {
  if (typeof value !== 'string') return refuse(type, value, place);
  try {
    return toStoredTime(value, type.precision);
  } catch (error) {
    if (error instanceof RangeError) throw new DecodeError(error.message);
    throw error;
  }
}

function checkQuantity(value: unknown): string {
  const quantity = findCanonicalQuantity(String(value));
  if (quantity === undefined) throw new DecodeError(quantityPatternMessage);
  return quantity;
}

/** Go's encoder leaves out what is empty, and false and 0 too where the field is no pointer. */
const nonPointers = new Set([
  'stdin',
  'stdinOnce',
  'tty',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'readOnly',
  'generation',
  'hostPort',
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
  'active',
  'succeeded',
  'failed',
]);

function isOmitted(value: unknown, type: FieldType, field: string): boolean {
  if (value === '' || ((value === false || value === 0) && nonPointers.has(field))) return true;
  if (type.is === 'list') return Array.isArray(value) && value.length === 0 && field !== 'containers';
  return type.is === 'map' && isJsonObject(value) && Object.keys(value).length === 0;
}

/**
 * Brings what a client sent into the resource's shape: nulls and empties dropped, unknown fields dropped and named,
 * wrong types refused. Throws DecodeError.
 */
export function decode(into: Root, input: unknown): Decoded {
  const unknownFields: string[] = [];

  function decodeObject(name: string, value: JsonObject, path: string, fields: string[]): JsonObject {
    const schema = schemaOf(name);
    const decoded: [string, unknown][] = [];
    for (const [field, given] of Object.entries(value)) {
      const type = schema.get(field);
      const fieldPath = path === '' ? field : `${path}.${field}`;
      if (type === undefined) {
        unknownFields.push(fieldPath);
        continue;
      }
      if (given === null || given === undefined) continue;
      const place = { path: fieldPath, fields: [...fields, field], struct: goName(name) };
      const result = decodeValue(type, given, place);
      if (!isOmitted(result, type, field)) decoded.push([field, result]);
    }
    return Object.fromEntries(decoded);
  }

  function decodeValue(type: FieldType, value: unknown, place: Place): unknown {
    switch (type.is) {
      case 'string':
        return typeof value === 'string' ? value : refuse(type, value, place);
      case 'boolean':
        return typeof value === 'boolean' ? value : refuse(type, value, place);
      case 'number':
        return checkNumber(type, value, place);
      case 'time':
        return decodeTime(value, type, place);
      case 'quantity':
        return checkQuantity(value);
      case 'intOrString':
        return typeof value === 'number' || typeof value === 'string' ? value : refuse(type, value, place);
      case 'list':
        if (!Array.isArray(value)) return refuse(type, value, place);
        return value.map((item, index) =>
          decodeValue(type.of, item, { ...place, path: `${place.path}[${index}]` }),
        );
      case 'map':
        if (!isJsonObject(value)) return refuse(type, value, place);
        return sortKeys(
          Object.fromEntries(
            Object.entries(value).map(([key, item]) => [key, decodeValue(type.of, item ?? '', place)]),
          ),
        );
      case 'object':
        if (!isJsonObject(value)) return refuse(type, value, place);
        return decodeObject(type.name, value, place.path, place.fields);
      default:
        return value;
    }
  }

  const root = rootSchema(into);
  if (!isJsonObject(input)) {
    throw new DecodeError(`json: cannot unmarshal ${nameOf(input)} into Go value of type v1.${goName(root)}`);
  }
  return { object: decodeObject(root, input, '', []), unknownFields };
}
