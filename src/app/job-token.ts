import { createHmac, timingSafeEqual } from 'node:crypto';

/** A token that lets a worker report on one job and do nothing else: an HMAC of the job's id. */
export type JobTokens = {
  issue(jobId: string): string;
  /** In constant time, whatever the two look like. */
  matches(jobId: string, token: string): boolean;
};

export function createJobTokens(key: Buffer): JobTokens {
  const digest = (jobId: string) => createHmac('sha256', key).update(`job:${jobId}`).digest();
  return {
    issue: (jobId) => digest(jobId).toString('base64url'),
    matches(jobId, token) {
      const given = Buffer.from(token, 'base64url');
      const expected = digest(jobId);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
