import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { StatusError } from './status-error.ts';

/** One request, as the handlers see it: the path without its secret prefix, and what the answer shall carry. */
export type Call = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Throws StatusError 413. */
  body(): Promise<Buffer>;
  /** Adds a Warning header to the answer. */
  warn(text: string): void;
  /** Aborted when the client is gone or the server closes. */
  signal: AbortSignal;
};

export type Answer = {
  status: number;
  body: unknown;
  form?: 'json' | 'yaml' | 'text';
  /** Indented, whatever was asked for. */
  pretty?: boolean;
  headers?: Record<string, string>;
};

/** An answer that writes itself: watches and logs. */
export type Stream = { stream(response: ServerResponse): void | Promise<void> };

export const methodNotAllowed = (): StatusError =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  });

export const noSuchResource = (): StatusError =>
  new StatusError('NotFound', 'the server could not find the requested resource', { details: {} });

/** What no group serves is answered in plain text, as Go's file server would. */
export const pageNotFound = (): Answer => ({ status: 404, body: '404 page not found\n', form: 'text' });
