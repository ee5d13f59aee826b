/**
 * The cluster's HTTP API, on loopback only.
 *
 * Owns: sockets, guards, rendering of answers and errors. May import: the registry's types and the handlers beside it.
 * Never: decides what a resource is or does.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { ApiRegistry } from '../registry.ts';
import type { Answer, Call, Stream } from './call.ts';
import { checkGuards } from './guards.ts';
import type { ReadLog } from './pod-log.ts';
import { readBody } from './request-body.ts';
import { createRouter } from './router.ts';
import { StatusError } from './status-error.ts';
import { toYaml } from './yaml.ts';

export type ApiServerOptions = {
  registry: ApiRegistry;
  /** The secret first part of every path: `/` and 32 hex digits. */
  prefix: string;
  readLog: ReadLog;
  /** 0 picks a free one. */
  port: number;
  log: Pick<Logger, 'error'>;
};

/** Pretty printing is for people: asked for, or by a browser or curl. */
function wantsPretty(call: Pick<Call, 'query' | 'headers' | 'path'>): boolean {
  const asked = call.query.get('pretty');
  if (asked !== null) return asked !== 'false' && asked !== '0';
  return call.path === '/version' || /^(curl|Wget|Mozilla)\//.test(call.headers['user-agent'] ?? '');
}

const contentTypes = { json: 'application/json', yaml: 'application/yaml', text: 'text/plain; charset=utf-8' } as const;

function render(answer: Answer, pretty: boolean): string {
  if (answer.form === 'text') return String(answer.body);
  if (answer.form === 'yaml') return toYaml(answer.body);
  return pretty ? JSON.stringify(answer.body, undefined, 2) : `${JSON.stringify(answer.body)}\n`;
}

/** `299 - "text"`, as RFC 7234 quotes it. */
const toWarning = (text: string) => `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Serves the API. `close` ends watches and followed logs. */
export async function serveApi(options: ApiServerOptions): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const closing = new AbortController();
  const route = createRouter({ registry: options.registry, readLog: options.readLog });

  function send(call: Call, response: ServerResponse, warnings: string[], answer: Answer): void {
    const body = answer.status === 304 ? '' : render(answer, wantsPretty(call));
    if (warnings.length > 0) response.setHeader('warning', warnings.map(toWarning));
    response.writeHead(answer.status, {
      'cache-control': 'no-cache, private',
      ...(answer.status === 304 ? {} : { 'content-type': contentTypes[answer.form ?? 'json'] }),
      ...answer.headers,
      ...(answer.status === 204 || answer.status === 304 ? {} : { 'content-length': Buffer.byteLength(body) }),
    });
    response.end(body);
  }

  function toAnswer(error: unknown): Answer {
    if (error instanceof StatusError) {
      const retryAfter = error.status.details?.retryAfterSeconds;
      return {
        status: error.code,
        body: error.status,
        ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
      };
    }
    options.log.error({ err: error }, 'local cluster API request failed');
    return { status: 500, body: new StatusError('InternalError', 'Internal error occurred').status };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const url = new URL(request.url ?? '/', 'http://localhost');
    const warnings: string[] = [];
    const call: Call = {
      method: request.method ?? 'GET',
      path: url.pathname.slice(options.prefix.length),
      query: url.searchParams,
      headers: request.headers,
      body: () => readBody(request),
      warn: (text) => void (warnings.includes(text) || warnings.push(text)),
      signal: AbortSignal.any([gone.signal, closing.signal]),
    };
    let result: Answer | Stream;
    try {
      checkGuards(request);
      const inside = url.pathname === options.prefix || url.pathname.startsWith(`${options.prefix}/`);
      result = inside ? await route(call) : { status: 404, body: '404 page not found\n', form: 'text' };
    } catch (error) {
      result = toAnswer(error);
    }
    // A refused body is not read to its end; the connection cannot be used again.
    if (!request.complete && request.method !== 'GET') response.setHeader('connection', 'close');
    if ('stream' in result) await result.stream(response);
    else send(call, response, warnings, result);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.destroyed) options.log.error({ err: error }, 'local cluster API answer failed');
      response.destroy();
    });
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  return {
    url: `http://127.0.0.1:${port}${options.prefix}`,
    port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      closing.abort();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 500).unref();
      await closed;
      clearTimeout(force);
    },
  };
}
