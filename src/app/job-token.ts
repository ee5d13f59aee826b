import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A token that lets a worker report on one job and do nothing else: an HMAC of the job's id. */
export type JobTokens = {
  issue(jobId: string): string;
  /** In constant time, whatever the two look like. */
  matches(jobId: string, token: string): boolean;
};

/** New tokens are made with `key`; those of the previous keys stay good, so that a key can be changed while jobs run. */
export function createJobTokens(key: Buffer, ...previous: Buffer[]): JobTokens {
  // Made here, once: from a Buffer each signature would make its own.
  const first = createSecretKey(key);
  const keys = [first, ...previous.map((each) => createSecretKey(each))];
  return {
    issue: (jobId) => sign(first, jobId),
    matches(jobId, token) {
      const given = Buffer.from(token);
      // Every key is tried, so that the time does not tell which of them it was. Compared as text, a token has but one spelling.
      const hits = keys.filter((each) => isSame(given, Buffer.from(sign(each, jobId))));
      return hits.length > 0;
    },
  };
}

function sign(key: KeyObject, jobId: string): string {
  return createHmac('sha256', key).update(`job:${jobId}`).digest('base64url');
}

function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
