/**
 * The room of the cluster: everything that is said to Kubernetes, and what it answers.
 *
 * Owns: connections, credentials, the Job manifest, the lasting watch, logs; the translation of Kubernetes' errors.
 * May import: core, @kubernetes/client-node (for its kubeconfig and its types), undici. Never: store, control, handlers.
 *
 * Requests are raw JSON over one pool: the library's models drop fields that they do not know, and its calls
 * have no time limit, no retry, and a connection of their own each.
 */
import type { Readable } from 'node:stream';
import { request as sendRequest } from 'undici';
import type { Dispatcher } from 'undici';
import { AppError } from '../core/app-error.ts';
import { NeverSent, toApiFailure, toNoAnswer } from './api-failure.ts';
import type { ApiFailure } from './api-failure.ts';
import { openCredentials } from './credentials.ts';
import type { ClusterTarget, Credentials } from './credentials.ts';
import { withTimeLimit } from './time-limit.ts';

export type Query = Record<string, string | number | boolean | undefined>;

export type ApiRequest = {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the server's URL, starting with a slash; its parts are checked or encoded by the caller. */
  path: string;
  query?: Query;
  body?: unknown;
  /** How long to wait for the whole answer; 30 s if not said. */
  timeoutMs?: number;
};

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: ApiFailure };

export type Connection = Awaited<ReturnType<typeof connectCluster>>;

/**
 * Reads the credentials; nothing is asked of the cluster yet.
 * Throws AppError with one sentence: `invalid` for a file or context that is not there or is none, `unavailable` for credentials that
 * cannot be used.
 */
export async function connectCluster(target: ClusterTarget, elapsed?: () => number) {
  const credentials = await openCredentials(target, elapsed).catch((cause: unknown): never => {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', `The cluster's credentials cannot be used: ${whyOf(cause)}.`, {
      cause,
    });
  });

  /** A failing exec plugin or an unreadable token file must not pass for a request whose answer was lost. */
  async function getCredentials(how: { renewed: boolean }): Promise<Credentials> {
    try {
      if (how.renewed) await credentials.renew();
      return await credentials.get();
    } catch (cause) {
      throw new NeverSent(`our credentials cannot be used: ${whyOf(cause)}`, cause);
    }
  }

  /** One repeat after a 401, with credentials read anew: a rotated token is no failure. */
  async function sendWithRenewal(request: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const response = await send(request, await getCredentials({ renewed: false }), signal);
    if (response.statusCode !== 401) return response;
    await response.body.dump();
    return send(request, await getCredentials({ renewed: true }), signal);
  }

  /** One request and its whole JSON answer. Rejects only when `signal` is aborted, with its reason. */
  async function call(request: ApiRequest, signal: AbortSignal): Promise<Answer<unknown>> {
    const answer = await callDated(request, signal);
    return answer.ok ? { ok: true, value: answer.value.body } : answer;
  }

  /** The same with the server's `Date`; null where it sent none. */
  async function callDated(
    request: ApiRequest,
    signal: AbortSignal,
  ): Promise<Answer<{ body: unknown; date: string | null }>> {
    try {
      return await withTimeLimit({ signal, ms: request.timeoutMs ?? 30_000 }, async (limited) => {
        const response = await sendWithRenewal(request, limited);
        if (response.statusCode >= 300) return { ok: false, failure: await toFailure(response) };
        const { date } = response.headers;
        const body: unknown = await response.body.json();
        return { ok: true, value: { body, date: typeof date === 'string' ? date : null } };
      });
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, failure: toNoAnswer(error) };
    }
  }

  /** A GET whose answer lasts; the reader ends it through `signal`, or by destroying the stream. */
  async function open(path: string, query: Query, signal: AbortSignal): Promise<Answer<Readable>> {
    try {
      const response = await sendWithRenewal({ method: 'GET', path, query }, signal);
      if (response.statusCode >= 300) return { ok: false, failure: await toFailure(response) };
      return { ok: true, value: response.body };
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, failure: toNoAnswer(error) };
    }
  }

  return {
    call,
    callDated,
    open,
    /** Of the kubeconfig's context, or of the pod we run in; undefined if none is named. */
    namespace: credentials.namespace(),
    /** Cuts what is still open. */
    close: credentials.close,
  };
}

function whyOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).trim().replace(/\.$/, '');
}

async function send(
  { method, path, query, body }: ApiRequest,
  { server, headers, dispatcher }: Credentials,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  return sendRequest(`${server}${path}${toQueryString(query)}`, {
    method,
    dispatcher,
    signal,
    // The signal is the only clock: a quiet watch or log is no error.
    headersTimeout: 0,
    bodyTimeout: 0,
    headers: {
      accept: 'application/json, */*',
      'user-agent': 'jobspawn',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function toFailure(response: Dispatcher.ResponseData): Promise<ApiFailure> {
  const retryAfter = response.headers['retry-after'];
  return toApiFailure(
    response.statusCode,
    await response.body.text(),
    typeof retryAfter === 'string' ? retryAfter : undefined,
  );
}

function toQueryString(query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}
