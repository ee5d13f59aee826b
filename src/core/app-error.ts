/** What can go wrong for a caller; the table code -> HTTP status stands in src/app. */
export type ErrorCode =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'unsupported-media-type'
  | 'misdirected'
  | 'too-many-requests'
  | 'unavailable';

/** One fault of the input. `pointer` is a JSON Pointer (RFC 6901), or a `?parameter` of the query. */
export type Fault = { pointer: string; detail: string };

/** An error that a person or program outside caused or must know of: a code, one clear sentence, and the faults. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  /** When another try may succeed, where that is known. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ErrorCode,
    message: string,
    {
      faults = [],
      retryAfterSeconds = null,
      cause,
    }: { faults?: Fault[]; retryAfterSeconds?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = 'AppError';
    this.code = code;
    this.faults = faults;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
