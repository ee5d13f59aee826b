import { z } from 'zod';
import { toApiFailure } from './api-failure.ts';
import type { ApiFailure } from './api-failure.ts';
import type { Answer } from './connection.ts';

/** A list or watch that the other side refused or cut. */
export class Broken extends Error {
  readonly failure: ApiFailure;

  constructor(failure: ApiFailure) {
    super(failure.message);
    this.name = 'Broken';
    this.failure = failure;
  }
}

export const silence: ApiFailure = {
  code: 0,
  reason: null,
  message: 'the watch was silent for too long',
  causes: [],
  retryAfterMs: null,
  sent: true,
};

const codeSchema = z.object({ code: z.int() }).catch({ code: 0 });

/** The Status in an ERROR event: the stream has ended with it. */
export function toBroken(status: unknown): Broken {
  return new Broken(toApiFailure(codeSchema.parse(status).code, JSON.stringify(status), undefined));
}

export function valueOf<V>(answer: Answer<V>): V {
  if (answer.ok) return answer.value;
  throw new Broken(answer.failure);
}

/** Answers below 500 that say nothing of our place in the stream: credentials, rights, too many requests. */
const passing = new Set([401, 403, 429]);

/** A cut or an outage leaves our place in the stream good; what we could not read or may not ask for does not. */
export function losesPlace(error: unknown): boolean {
  if (!(error instanceof Broken)) return error instanceof SyntaxError || error instanceof z.ZodError;
  const { code, causes } = error.failure;
  // The server has gone back in time (its store was restored), and would have to come to our place again.
  if (causes.includes('ResourceVersionTooLarge')) return true;
  return code !== 0 && code < 500 && !passing.has(code);
}
