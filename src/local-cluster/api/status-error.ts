/** One fault of an object: what `details.causes` of a Status lists. */
export type StatusCause = { reason: string; message: string; field?: string };

export type StatusDetails = {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
};

/** `v1.Status`, as the API answers it. */
export type Status = {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
};

const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
  // What the API server itself did not foresee comes with no reason at all.
  '': 500,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof codes;

/** A refusal in Kubernetes' own words. Thrown by the registry and the API, and sent as it is. */
export class StatusError extends Error {
  readonly status: Status;
  /** Written indented: so the API server writes what it finds no negotiated form for. */
  readonly indented: boolean;

  constructor(
    reason: StatusReason,
    message: string,
    extra: { details?: StatusDetails; code?: number; continueToken?: string; indented?: boolean } = {},
  ) {
    super(message);
    this.name = 'StatusError';
    this.indented = extra.indented ?? false;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: extra.continueToken === undefined ? {} : { continue: extra.continueToken },
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(extra.details === undefined ? {} : { details: extra.details }),
      code: extra.code ?? codes[reason],
    };
  }

  get reason(): string {
    return this.status.reason ?? '';
  }

  get code(): number {
    return this.status.code ?? 500;
  }
}

/** For a fault of the cluster's own, of which only the log tells more. */
export const internalError = (): StatusError => new StatusError('InternalError', 'Internal error occurred');
