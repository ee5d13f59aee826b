import type { Answer, Call } from './call.ts';
import { methodNotAllowed } from './call.ts';
import { invalid } from './field-errors.ts';
import { GoJsonError } from './go-json.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { parseBody } from './request-body.ts';
import { resourceNames, resources } from './resources.ts';
import { StatusError } from './status-error.ts';

const reason = 'the local cluster allows everything to whoever knows its URL';
const group = 'authorization.k8s.io';

const known = (attributes: JsonObject): boolean => {
  const { group: wanted = '', resource } = attributes;
  return (
    resourceNames.some((name) => resources[name].group === wanted && name === resource) || resource === '*'
  );
};

async function readReview(call: Call): Promise<JsonObject> {
  try {
    const { value } = parseBody(await call.body(), call.headers['content-type']);
    if (isJsonObject(value)) return isJsonObject(value.spec) ? value.spec : {};
  } catch (error) {
    if (!(error instanceof GoJsonError)) throw error;
  }
  throw new StatusError('BadRequest', 'the object provided is unrecognized');
}

const dropEmpty = (attributes: JsonObject) =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''));

function reviewAccess(spec: JsonObject): JsonObject {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const field = { group, kind: '', name: '' };
  if (isJsonObject(resourceAttributes) && isJsonObject(nonResourceAttributes)) {
    const value = { Path: nonResourceAttributes.path ?? '', Verb: nonResourceAttributes.verb ?? '' };
    throw invalid(field, [
      {
        type: 'Invalid',
        field: 'spec.nonResourceAttributes',
        value,
        detail: 'cannot be specified in combination with resourceAttributes',
      },
    ]);
  }
  if (isJsonObject(resourceAttributes)) {
    const allowed = known(resourceAttributes);
    return {
      spec: { resourceAttributes: dropEmpty(resourceAttributes) },
      status: allowed ? { allowed, reason } : { allowed },
    };
  }
  if (isJsonObject(nonResourceAttributes)) {
    return { spec: { nonResourceAttributes }, status: { allowed: true, reason } };
  }
  throw invalid(field, [
    {
      type: 'Invalid',
      field: 'spec.resourceAttributes',
      value: null,
      detail: 'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    },
  ]);
}

function reviewRules(spec: JsonObject): JsonObject {
  if (typeof spec.namespace !== 'string' || spec.namespace === '') {
    throw new StatusError('BadRequest', 'no namespace on request');
  }
  return {
    spec: {},
    status: {
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: false,
    },
  };
}

const reviews: Record<string, { kind: string; review: (spec: JsonObject) => JsonObject }> = {
  selfsubjectaccessreviews: { kind: 'SelfSubjectAccessReview', review: reviewAccess },
  selfsubjectrulesreviews: { kind: 'SelfSubjectRulesReview', review: reviewRules },
};

/** Access reviews: everything that exists is allowed, since the URL itself is the secret. undefined on other paths. */
export async function answerAccessReview(call: Call): Promise<Answer | undefined> {
  const name = /^\/apis\/authorization\.k8s\.io\/v1\/([a-z]+)$/.exec(call.path)?.[1];
  const found = name === undefined ? undefined : reviews[name];
  if (found === undefined) return undefined;
  if (call.method !== 'POST') throw methodNotAllowed();
  const spec = await readReview(call);
  const body = { kind: found.kind, apiVersion: `${group}/v1`, metadata: {}, ...found.review(spec) };
  return { status: 201, body };
}
