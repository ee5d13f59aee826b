import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits in 43 characters that need no quotes anywhere. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a secret. It is found by this, so no timing can tell how near a guess was. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
