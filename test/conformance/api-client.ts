import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';
import { parseJson, type Json } from './json.ts';

export type ApiRequest = {
  method: string;
  path: string;
  headers?: Record<string, string> | undefined;
  body?: Json | undefined;
  rawBody?: string | undefined;
};
/** `body` is parsed where it is JSON, else the text; `raw` is always the text as sent. */
export type ApiAnswer = { status: number; headers: Record<string, string>; body: Json; raw: string };
/** What came of a stream: text pieces with their time from the opening in ms. */
export type Piece = { ms: number; text: string };

export type ApiClient = {
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** Resolves when the server ends the answer, or when the signal cuts it. */
  stream(
    request: ApiRequest,
    onPiece: (piece: Piece) => void,
    signal: AbortSignal,
  ): Promise<ApiAnswer & { closedBy: 'server' | 'client'; closedAfterMs: number }>;
};

/** Plain HTTP with the kubeconfig's credentials: nothing stands between the suite and what the server says. */
export async function createApiClient(config: KubeConfig): Promise<ApiClient> {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig has no current cluster');
  const server = cluster.server.replace(/\/$/, '');
  const credentials: RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);
  const open = server.startsWith('https:') ? httpsRequest : httpRequest;

  function start(request: ApiRequest, signal?: AbortSignal): Promise<IncomingMessage> {
    const { method, path, body, rawBody } = request;
    const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers: Record<string, string | number> = { accept: 'application/json', ...request.headers };
    if (payload !== undefined) headers['content-length'] = Buffer.byteLength(payload);
    return new Promise((resolve, reject) => {
      const url = new URL(server + path);
      const { ca, cert, key, rejectUnauthorized } = credentials;
      const tls = Object.fromEntries(
        Object.entries({ ca, cert, key, rejectUnauthorized }).filter(([, value]) => value !== undefined),
      );
      const outgoing = open(url, {
        ...tls,
        method,
        headers: { ...authorization(credentials), ...headers },
        signal,
      });
      outgoing.on('response', resolve).on('error', reject);
      outgoing.end(payload);
    });
  }

  return {
    async send(request) {
      const answer = await start(request);
      return describe(answer, await readAll(answer));
    },
    async stream(request, onPiece, signal) {
      const answer = await start(request, signal);
      const openedAt = Date.now();
      let raw = '';
      let closedBy: 'server' | 'client' = 'server';
      try {
        answer.setEncoding('utf8');
        for await (const chunk of answer) {
          const text = String(chunk);
          raw += text;
          onPiece({ ms: Date.now() - openedAt, text });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
        closedBy = 'client';
      }
      return { ...describe(answer, raw), closedBy, closedAfterMs: Date.now() - openedAt };
    },
  };
}

function authorization(options: RequestOptions): Record<string, string> {
  const headers = options.headers;
  if (!headers || Array.isArray(headers)) return {};
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  return typeof value === 'string' ? { authorization: value } : {};
}

async function readAll(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const part of answer) text += String(part);
  return text;
}

function describe(answer: IncomingMessage, raw: string): ApiAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: answer.statusCode ?? 0, headers, body: parseBody(raw), raw };
}

function parseBody(raw: string): Json {
  try {
    return parseJson(raw);
  } catch {
    return raw;
  }
}
