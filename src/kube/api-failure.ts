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
  /** From `Retry-After`, or the Status. */
  retryAfterMs: number | null;
  /** False only where it is certain that nothing left this machine, so nothing can have been done. */
  sent: boolean;
};

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
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null,
    sent: true,
  };
}

/** Errors of the socket that come before the first byte of the request. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const errorSchema = z.object({ code: z.string().optional(), message: z.string().optional() });

export function toNoAnswer(error: unknown): ApiFailure {
  const { code = '', message = '' } = errorSchema.safeParse(error).data ?? {};
  return {
    code: 0,
    reason: null,
    message: message || code || 'no answer',
    causes: [],
    retryAfterMs: null,
    sent: !neverSent.has(code),
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
