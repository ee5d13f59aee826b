import type { ResourceName } from '../objects.ts';
import type { Call } from './call.ts';
import { decode, DecodeError } from './decode.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import type { WriteOptions } from './query-options.ts';
import { excerptOf, parseBody } from './request-body.ts';
import { apiVersionOf, resources } from './resources.ts';
import { StatusError } from './status-error.ts';

const bad = (message: string) => new StatusError('BadRequest', message);

const versionOf = (apiVersion: string) => apiVersion.split('/').at(-1) ?? '';

const headerType =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Refuses an object that says it is of another kind. */
function checkKind(resource: ResourceName, value: JsonObject): void {
  const info = resources[resource];
  const expected = apiVersionOf(info);
  const { apiVersion = '', kind = '' } = value;
  const given = {
    apiVersion: apiVersion === '' ? expected : String(apiVersion),
    kind: kind === '' ? info.kind : String(kind),
  };
  if (given.apiVersion === expected && given.kind === info.kind) return;
  const isKnown = Object.values(resources).some(
    (other) => other.kind === given.kind && apiVersionOf(other) === given.apiVersion,
  );
  if (isKnown && given.apiVersion !== expected) {
    throw bad(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  throw bad(
    `${given.kind} in version "${versionOf(given.apiVersion)}" cannot be handled as a ${info.kind}: no kind "${given.kind}" is registered for version "${given.apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
  );
}

function parse(resource: ResourceName, body: Buffer, contentType: string | undefined) {
  const unrecognized = (detail: string) =>
    bad(
      `the object provided is unrecognized (must be of type ${resources[resource].kind}): couldn't get version/kind; json parse error: ${detail} (${excerptOf(body)})`,
    );
  try {
    const { value, duplicates } = parseBody(body, contentType);
    if (isJsonObject(value)) return { value, duplicates };
    const kind = Array.isArray(value) ? 'array' : typeof value;
    throw unrecognized(`json: cannot unmarshal ${kind} into Go value of type ${headerType}`);
  } catch (error) {
    if (error instanceof GoJsonError) throw unrecognized(error.message);
    throw error;
  }
}

/** As in Go: the rest of a long list of faults tells nothing new. */
const mostFaults = 100;

/** What fieldValidation finds: in Go's words, each field quoted. */
export const toStrictFaults = (unknownFields: string[], duplicates: string[] = []): string[] =>
  [
    ...duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
    ...unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
  ].slice(0, mostFaults);

/**
 * The object in a request's body, of the right kind, and with its fields of the right types. Unknown and duplicate
 * fields are refused, warned of or passed over, as asked. Throws StatusError 400, 413, 415.
 */
export async function readObject(
  call: Call,
  resource: ResourceName,
  options: WriteOptions,
): Promise<JsonObject> {
  const { value, duplicates } = parse(resource, await call.body(), call.headers['content-type']);
  checkKind(resource, value);
  const { kind } = resources[resource];
  const cannot = (why: string) => bad(`${kind} in version "v1" cannot be handled as a ${kind}: ${why}`);
  try {
    const { object, unknownFields } = decode(resource, value);
    const faults = toStrictFaults(unknownFields, duplicates);
    if (options.fieldValidation === 'Strict' && faults.length > 0) {
      throw cannot(`strict decoding error: ${faults.join(', ')}`);
    }
    if (options.fieldValidation === 'Warn') for (const fault of faults) call.warn(fault);
    return object;
  } catch (error) {
    if (error instanceof DecodeError) throw cannot(error.message);
    throw error;
  }
}

/** Name and namespace in the body must be those of the path; only a new object may come without a name. Throws StatusError 400. */
export function checkPlace(
  object: unknown,
  at: { namespace: string | undefined; name: string | undefined },
): void {
  const metadata = isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};
  const { namespace, name } = metadata;
  if (at.name !== undefined && (name === undefined || name === '')) {
    throw bad(`the name of the object (${at.name} based on URL) was undeterminable: name must be provided`);
  }
  if (at.name !== undefined && typeof name === 'string' && name !== at.name) {
    throw bad(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
  }
  if (
    at.namespace !== undefined &&
    typeof namespace === 'string' &&
    namespace !== '' &&
    namespace !== at.namespace
  ) {
    throw bad('the namespace of the provided object does not match the namespace sent on the request');
  }
}
