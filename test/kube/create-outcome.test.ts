import { describe, expect, test } from '@jest/globals';
import type { ApiFailure } from '../../src/kube/api-failure.ts';
import { toRefusal } from '../../src/kube/create-outcome.ts';

function failure(fields: Partial<ApiFailure>): ApiFailure {
  return { code: 0, reason: null, message: 'said so', causes: [], retryAfterMs: null, sent: true, ...fields };
}

/** As Kubernetes words them (validating/dispatcher.go, cel/condition.go and cel/composition.go of its apiserver). */
const denied = (why: string) =>
  `jobs.batch "a-b" is forbidden: ValidatingAdmissionPolicy 'jobspawn-jobs' with binding 'jobspawn-jobs' denied request: ${why}`;
const configurationFault =
  'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
const keyFault = (key: string) =>
  `expression 'variables.patterns.exists(pattern,\n  pattern == "*")' resulted in error: composited variable "patterns" fails to evaluate: no such key: ${key}`;

describe('a failed create', () => {
  test.each([
    ['a taken name', { code: 409, reason: 'AlreadyExists' }, { kind: 'already-exists' }],
    ['a race for the quota', { code: 409, reason: 'Conflict' }, { kind: 'quota-race', retryAfterMs: 1100 }],
    [
      'a full quota',
      {
        code: 403,
        reason: 'Forbidden',
        message: 'jobs.batch "c" is forbidden: exceeded quota: jobs, requested: 1',
      },
      { kind: 'quota', retryAfterMs: 35_000 },
    ],
    ['a want of rights, or of favour', { code: 403, reason: 'Forbidden' }, { kind: 'ask-rights' }],
    [
      'a namespace on its way out',
      { code: 403, reason: 'Forbidden', causes: ['NamespaceTerminating'] },
      { kind: 'no-namespace' },
    ],
    ['a missing namespace', { code: 404, reason: 'NotFound' }, { kind: 'no-namespace' }],
    ['credentials that are not accepted', { code: 401, reason: 'Unauthorized' }, { kind: 'forbidden' }],
    [
      'too many requests, with a time to wait',
      { code: 429, reason: 'TooManyRequests', retryAfterMs: 7000 },
      { kind: 'slow-down', retryAfterMs: 7000 },
    ],
    [
      'too many requests, without one',
      { code: 429, reason: 'TooManyRequests' },
      { kind: 'slow-down', retryAfterMs: 1500 },
    ],
    [
      'too many requests, in plain text as an API server that is overtaxed says it',
      { code: 429, reason: null, message: 'Too many requests, please try again later.', retryAfterMs: 5000 },
      { kind: 'slow-down', retryAfterMs: 5000 },
    ],
    [
      'a field that is not known',
      { code: 400, reason: 'BadRequest' },
      { kind: 'refused', reason: 'BadRequest' },
    ],
    [
      'a policy whose ConfigMap is gone',
      { code: 422, reason: 'Invalid', message: denied(configurationFault) },
      { kind: 'policy-fault', message: denied(configurationFault) },
    ],
    [
      'a policy whose ConfigMap is gone, in the words for another reason',
      { code: 403, reason: 'Forbidden', message: denied(configurationFault) },
      { kind: 'policy-fault' },
    ],
    [
      'a policy whose ConfigMap lacks a key',
      { code: 422, reason: 'Invalid', message: denied(keyFault('ALLOWED_IMAGES')) },
      { kind: 'policy-fault' },
    ],
    [
      "a policy of somebody else's that misses something in this Job",
      { code: 422, reason: 'Invalid', message: denied(keyFault('team')) },
      { kind: 'refused', reason: 'Invalid' },
    ],
    [
      'a policy that does not want this Job',
      { code: 422, reason: 'Invalid', message: denied('The image is none of ALLOWED_IMAGES.') },
      { kind: 'refused', reason: 'Invalid' },
    ],
    ['an invalid Job', { code: 422, reason: 'Invalid' }, { kind: 'refused', reason: 'Invalid' }],
    [
      'a webhook that gives no reason',
      { code: 400, reason: '' },
      { kind: 'refused', reason: 'AdmissionRefused' },
    ],
    [
      'a webhook that cannot be called',
      { code: 500, reason: 'InternalError' },
      { kind: 'unknown', sent: true },
    ],
    ['a time-out of the server', { code: 504, reason: 'Timeout' }, { kind: 'unknown', sent: true }],
    [
      'a server that is not ready',
      { code: 503, reason: 'ServiceUnavailable' },
      { kind: 'unknown', sent: true },
    ],
    ["a proxy's 404", { code: 404, reason: null }, { kind: 'unknown', sent: true }],
    ['no answer', { code: 0 }, { kind: 'unknown', sent: true }],
    ['no connection', { code: 0, sent: false }, { kind: 'unknown', sent: false }],
  ])('by %s is read by its reason', (_what, fields, outcome) => {
    expect(toRefusal(failure(fields), 0.5)).toMatchObject(outcome);
  });
});
