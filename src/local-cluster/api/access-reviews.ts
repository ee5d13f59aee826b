import type { Answer, Call } from './call.ts';
import { methodNotAllowed } from './call.ts';
import { invalid } from './field-errors.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { GoJsonError } from './json-reader.ts';
import { parseBody } from './request-body.ts';
import { resourceNames, resources } from './resources.ts';
import { StatusError } from './status-error.ts';
import { toTimestamp } from './times.ts';

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

/** There is one user: whoever knows the URL. */
const reviewSelf = (): JsonObject => ({
  metadata: { creationTimestamp: toTimestamp(new Date()) },
  status: { userInfo: { username: 'local', groups: ['system:masters', 'system:authenticated'] } },
});

type Review = { group: string; kind: string; review: (spec: JsonObject) => JsonObject };

const reviews: Record<string, Review> = {
  selfsubjectaccessreviews: { group, kind: 'SelfSubjectAccessReview', review: reviewAccess },
  selfsubjectrulesreviews: { group, kind: 'SelfSubjectRulesReview', review: reviewRules },
  selfsubjectreviews: { group: 'authentication.k8s.io', kind: 'SelfSubjectReview', review: reviewSelf },
};

/** Reviews of access and of oneself: what exists is allowed, since the URL itself is the secret. undefined on other paths. */
export async function answerAccessReview(call: Call): Promise<Answer | undefined> {
  const [, served, name = ''] = /^\/apis\/([a-z0-9.]+)\/v1\/([a-z]+)$/.exec(call.path) ?? [];
  const found = Object.hasOwn(reviews, name) ? reviews[name] : undefined;
  if (found === undefined || found.group !== served) return undefined;
  if (call.method !== 'POST') throw methodNotAllowed();
  const spec = await readReview(call);
  const body = { kind: found.kind, apiVersion: `${found.group}/v1`, metadata: {}, ...found.review(spec) };
  return { status: 201, body };
}
