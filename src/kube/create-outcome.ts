import type { JobObservation } from '../core/facts.ts';
import type { ApiFailure } from './api-failure.ts';

/** What became of a create. Only `unknown` leaves open whether there is a Job now. */
export type CreateOutcome =
  | { kind: 'created'; observation: JobObservation }
  | { kind: 'already-exists' }
  /** For good: the same request would be refused again. */
  | { kind: 'refused'; reason: string; message: string }
  | { kind: 'quota'; message: string; retryAfterMs: number }
  /** Another create changed the quota at the same moment. */
  | { kind: 'quota-race'; retryAfterMs: number }
  | { kind: 'slow-down'; retryAfterMs: number }
  | { kind: 'forbidden'; message: string }
  | { kind: 'no-namespace'; message: string }
  /** The admission policy has lost its parameters: it refuses every Job, whatever is in it. */
  | { kind: 'policy-fault'; message: string }
  /** `sent` false: the request certainly never left, since there was no connection. */
  | { kind: 'unknown'; message: string; sent: boolean };

/** A 403 is either ours for want of rights, or an admission refusal of this one Job. */
export type AskRights = { kind: 'ask-rights'; message: string };
export type Refusal = Exclude<CreateOutcome, { kind: 'created' }> | AskRights;

/** Reasons that say that this very request is at fault. */
const refusals = new Set([
  'BadRequest',
  'Invalid',
  'RequestEntityTooLarge',
  'MethodNotAllowed',
  'NotAcceptable',
  'UnsupportedMediaType',
]);

/**
 * What an API server says where an admission policy cannot be applied at all: its ConfigMap is gone (or not in the server's cache yet), or
 * lacks a key. It says so as `Invalid`, like a refusal of the one Job. A key that another policy misses may be for want of
 * something in this Job, so only ours are named.
 */
const policyFault =
  /denied request: failed to configure (policy|binding): |resulted in error: .*\bno such key: (data|ALLOWED_IMAGES|JOB_SERVICE_ACCOUNT)\b/s;

/**
 * Reads a failed create by its reason. `chance` is a number in [0, 1) that spreads the retries.
 * An answer that is no Status comes from something in between, and tells nothing of what the API server did. Only 429 is sure either way:
 * an API server that has too much to do says so in plain text.
 */
export function toRefusal(failure: ApiFailure, chance: number): Refusal {
  const { reason, message, code } = failure;
  if (code === 429)
    return { kind: 'slow-down', retryAfterMs: failure.retryAfterMs ?? between(1000, 2000, chance) };
  if (reason !== null && policyFault.test(message)) return { kind: 'policy-fault', message };
  if (reason !== null && refusals.has(reason)) return { kind: 'refused', reason, message };
  switch (reason) {
    case 'AlreadyExists':
      return { kind: 'already-exists' };
    case 'Conflict':
      return { kind: 'quota-race', retryAfterMs: between(200, 2000, chance) };
    case 'Unauthorized':
      return { kind: 'forbidden', message: 'the cluster does not accept our credentials' };
    case 'NotFound':
      return { kind: 'no-namespace', message };
    case 'Forbidden':
      if (failure.causes.includes('NamespaceTerminating')) return { kind: 'no-namespace', message };
      return message.includes('exceeded quota')
        ? { kind: 'quota', message, retryAfterMs: between(10_000, 60_000, chance) }
        : { kind: 'ask-rights', message };
    default: {
      // An admission webhook may choose any reason of its own with its 4xx, or none.
      const isWebhook = reason !== null && code >= 400 && code < 500 && code !== 408;
      if (isWebhook) return { kind: 'refused', reason: reason || 'AdmissionRefused', message };
      return { kind: 'unknown', message, sent: failure.sent };
    }
  }
}

function between(from: number, to: number, chance: number): number {
  return Math.round(from + (to - from) * chance);
}
