import type { DeleteOptions } from '../registry-contract.ts';
import type { Call } from './call.ts';
import { decode, DecodeError } from './decode.ts';
import { invalid, invalidValue, notSupported } from './field-errors.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import { isDryRun, parseFlag, parseInteger } from './query-options.ts';
import { parseBody } from './request-body.ts';
import { StatusError } from './status-error.ts';

export type DeleteRequest = DeleteOptions & { dryRun: boolean };

const about = { group: 'meta.k8s.io', kind: 'DeleteOptions', name: '' };

function parseJson(body: Buffer, contentType: string | undefined): JsonObject {
  try {
    const { value } = parseBody(body, contentType);
    if (!isJsonObject(value)) throw new GoJsonError('json: cannot unmarshal into Go value of type struct');
    // Only looked at: a precondition that is empty must not go the way of what is not there.
    decode('deleteOptions', value);
    return value;
  } catch (error) {
    if (error instanceof DecodeError) throw new StatusError('BadRequest', error.message);
    if (!(error instanceof GoJsonError)) throw error;
    throw new StatusError('BadRequest', `couldn't get version/kind; json parse error: ${error.message}`);
  }
}

function fromQuery(query: URLSearchParams): JsonObject {
  return {
    dryRun: query.getAll('dryRun').filter((value) => value !== ''),
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
    gracePeriodSeconds: parseInteger(query, 'gracePeriodSeconds'),
    orphanDependents: parseFlag(query, 'orphanDependents'),
  };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

function toPolicy({ propagationPolicy, orphanDependents }: JsonObject): DeleteOptions['propagationPolicy'] {
  const field = 'propagationPolicy';
  if (propagationPolicy === undefined || propagationPolicy === null) {
    return typeof orphanDependents === 'boolean' ? (orphanDependents ? 'Orphan' : 'Background') : undefined;
  }
  if (typeof orphanDependents === 'boolean') {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    throw invalid(about, [invalidValue(field, propagationPolicy, detail)]);
  }
  if (
    propagationPolicy === 'Background' ||
    propagationPolicy === 'Foreground' ||
    propagationPolicy === 'Orphan'
  ) {
    return propagationPolicy;
  }
  throw invalid(about, [
    notSupported(field, propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']),
  ]);
}

/** The options of a DELETE: from the body when there is one, and then from nowhere else. Throws StatusError 400, 415, 422. */
export async function readDeleteOptions(call: Call): Promise<DeleteRequest> {
  const body = await call.body();
  const given = body.length === 0 ? fromQuery(call.query) : parseJson(body, call.headers['content-type']);
  const { kind = 'DeleteOptions', apiVersion = 'v1' } = given;
  if (kind !== 'DeleteOptions') {
    throw new StatusError(
      'BadRequest',
      `no kind "${String(kind)}" is registered for version "${String(apiVersion)}" in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"`,
    );
  }
  const dryRun = isDryRun('DeleteOptions', Array.isArray(given.dryRun) ? given.dryRun.map(String) : []);
  const propagationPolicy = toPolicy(given);
  const preconditions = isJsonObject(given.preconditions) ? given.preconditions : {};
  const { gracePeriodSeconds } = given;
  return {
    dryRun,
    propagationPolicy,
    gracePeriodSeconds: typeof gracePeriodSeconds === 'number' ? gracePeriodSeconds : undefined,
    preconditions: { uid: textOf(preconditions.uid), resourceVersion: textOf(preconditions.resourceVersion) },
  };
}
