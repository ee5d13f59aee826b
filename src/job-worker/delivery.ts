import { request } from 'node:http';
import type { RequestOptions } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';
import pRetry from 'p-retry';
import type { Callback } from './callback.ts';
import type { Words } from './words.ts';

/** `conflict` is a 409: another pod holds the claim, or the job has ended otherwise. `dropped` says why in a sentence. */
export type Delivery =
  { outcome: 'accepted' } | { outcome: 'conflict' } | { outcome: 'dropped'; why: string };

/**
 * Sends one report, again and again for `withinMs` if need be. `take` is asked before each attempt, so that a report that
 * was overtaken while it waited is not the one that is sent. Aborting `signal` ends the waiting, never a request under
 * way: the server may have read it, and a later one must not arrive before it. Aborting `cut` ends both at once. Never
 * rejects.
 */
export type Deliver = (take: () => Words, limits: Limits) => Promise<Delivery>;
export type Limits = { withinMs: number; signal?: AbortSignal; cut?: AbortSignal };

const firstPauseMs = 200;
const longestPauseMs = 10_000;
const longestAttemptMs = 10_000;

/** The server cannot be reached, or asks to come again. */
class NotYet extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export function createDelivery({ url, token, speaker }: Callback): Deliver {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token !== null) headers['authorization'] = `Bearer ${token}`;

  async function attempt(words: Words, signal: AbortSignal): Promise<number> {
    const body = JSON.stringify({ ...words, ...speaker });
    const { status, retryAfter } = await post(url, { headers, body, signal }).catch((error: unknown) => {
      throw new NotYet(toReason(error), 0);
    });
    if (status === 408 || status === 429 || status >= 500)
      throw new NotYet(`HTTP ${status}`, toPause(retryAfter));
    return status;
  }

  return async (take, { withinMs, signal, cut }) => {
    const deadline = performance.now() + withinMs;
    const over = anyOf(signal, cut);
    let why = 'given up';
    try {
      const status = await pRetry(() => attempt(take(), anyOf(cut, toTimeout(deadline))), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: firstPauseMs,
        maxTimeout: longestPauseMs,
        randomize: true,
        maxRetryTime: withinMs,
        signal: over,
        onFailedAttempt: async ({ error }) => {
          why = error.message;
          const asked = error instanceof NotYet ? error.retryAfterMs : 0;
          await pause(Math.min(asked, deadline - performance.now()), over);
        },
      });
      if (status === 409) return { outcome: 'conflict' };
      return status < 300 ? { outcome: 'accepted' } : { outcome: 'dropped', why: `HTTP ${status}` };
    } catch {
      return { outcome: 'dropped', why };
    }
  };
}

/** Even the last attempt gets a second. */
function toTimeout(deadline: number): AbortSignal {
  return AbortSignal.timeout(
    Math.round(Math.min(longestAttemptMs, Math.max(1000, deadline - performance.now()))),
  );
}

function anyOf(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

async function pause(lengthMs: number, signal: AbortSignal): Promise<void> {
  if (lengthMs > 0) await sleep(lengthMs, undefined, { signal }).catch(() => undefined);
}

/** Retry-After is a number of seconds or a date. */
function toPause(retryAfter: string | undefined): number {
  if (retryAfter === undefined) return 0;
  const seconds = Number(retryAfter);
  const lengthMs = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1000;
  return Number.isNaN(lengthMs) ? 0 : Math.max(0, lengthMs);
}

type Letter = { headers: Record<string, string>; body: string; signal: AbortSignal };
type Answer = { status: number; retryAfter: string | undefined };

/** node:http and not fetch, which takes a third longer to load, before the first word of every pod. */
async function post(url: URL, { headers, body, signal }: Letter): Promise<Answer> {
  const open = url.protocol === 'https:' ? (await import('node:https')).request : request;
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    signal,
  };
  return new Promise((resolve, reject) => {
    const call = open(url, options, (response) => {
      // The answer counts once it is whole; read to its end, the connection serves the next report as well.
      response.resume().on('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
      );
    });
    call.on('error', reject).end(body);
  });
}

/** A code such as ECONNREFUSED says it best; Node's AggregateError for several addresses has no text but that. */
function toReason(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const { code = error.message }: NodeJS.ErrnoException = error;
  return code === 'ABORT_ERR' ? 'no answer in time' : code;
}
