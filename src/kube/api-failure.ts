import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import type { ErrorCode } from '../core/app-error.ts';

/** A call that did not succeed: Kubernetes' own Status, or the want of one. */
export type ApiFailure = {
  /** HTTP status; 0 when there was no answer at all. */
  code: number;
  /** `status.reason`, on which callers branch; null when the answer was no Status, or there was none. */
  reason: string | null;
  message: string;
  /** The reasons of `status.details.causes`. */
  causes: readonly string[];
  /** From `Retry-After`, or the Status; five minutes at most. */
  retryAfterMs: number | null;
  /** False only where it is certain that nothing left this machine, so nothing can have been done. */
  sent: boolean;
};

/** Whoever asks for more is asked again meanwhile: nobody would want dispatch to rest for days, and a timer takes no more than 24. */
const longestRetryAfterMs = 300_000;

const statusSchema = z.object({
  kind: z.literal('Status'),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z
    .object({
      retryAfterSeconds: z.number().optional(),
      causes: z.array(z.object({ reason: z.string().default('') })).default([]),
    })
    .optional(),
});

/** The failure in an answer of the API server, or of something in between that speaks for it. */
export function toApiFailure(code: number, text: string, retryAfter: string | undefined): ApiFailure {
  const parsed = statusSchema.safeParse(fromJson(text));
  const status = parsed.success ? parsed.data : undefined;
  const seconds = Number(retryAfter ?? status?.details?.retryAfterSeconds);
  return {
    code,
    reason: status?.reason ?? null,
    message: status?.message || `the answer was HTTP ${code}`,
    causes: status?.details?.causes.map((cause) => cause.reason) ?? [],
    retryAfterMs: seconds > 0 ? Math.min(seconds * 1000, longestRetryAfterMs) : null,
    sent: true,
  };
}

/** What kept a request from being made at all. */
export class NeverSent extends Error {
  constructor(why: string, cause: unknown) {
    super(why, { cause });
    this.name = 'NeverSent';
  }
}

/** Errors of the socket that come before the first byte of the request: there is no connection, or we do not trust its other end. */
const beforeSending =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/;

const socketErrorSchema = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  syscall: z.string().optional(),
  /** One for each address that was tried. */
  errors: z.array(z.object({ syscall: z.string().optional() })).default([]),
});
type SocketError = z.input<typeof socketErrorSchema>;

function neverLeft({ code = '', syscall, errors = [] }: SocketError): boolean {
  const isConnecting = [syscall, ...errors.map((one) => one.syscall)].includes('connect');
  return beforeSending.test(code) || (code === 'ETIMEDOUT' && isConnecting);
}

export function toNoAnswer(error: unknown): ApiFailure {
  const fault: SocketError = socketErrorSchema.safeParse(error).data ?? {};
  const { code = '', message = '' } = fault;
  return {
    code: 0,
    reason: null,
    message: message || code || 'no answer',
    causes: [],
    retryAfterMs: null,
    sent: !(error instanceof NeverSent || neverLeft(fault)),
  };
}

const codes: Record<string, ErrorCode> = {
  NotFound: 'not-found',
  Forbidden: 'forbidden',
  Unauthorized: 'unauthorized',
  AlreadyExists: 'conflict',
  Conflict: 'conflict',
  BadRequest: 'invalid',
  Invalid: 'invalid',
};

/** The failure as an error, for callers to whom it was not an expected outcome. */
export function toAppError(failure: ApiFailure, attempt: string): AppError {
  return new AppError(
    codes[failure.reason ?? ''] ?? 'unavailable',
    `Could not ${attempt}: ${failure.message}.`,
    {
      cause: failure,
    },
  );
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
