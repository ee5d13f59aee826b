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
import type { ApiRegistry } from '../registry-contract.ts';
import type { Answer, Call, Stream } from './call.ts';
import { pageNotFound } from './call.ts';
import { checkGuards } from './guards.ts';
import type { ReadLog } from './pod-log.ts';
import { readBody } from './request-body.ts';
import { createRouter } from './router.ts';
import { internalError, StatusError } from './status-error.ts';
import { createWarnings } from './warning-headers.ts';
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

const contentTypes = {
  json: 'application/json',
  yaml: 'application/yaml',
  text: 'text/plain; charset=utf-8',
} as const;

function render(answer: Answer, pretty: boolean): string {
  if (answer.form === 'text') return String(answer.body);
  if (answer.form === 'yaml') return toYaml(answer.body);
  return pretty ? JSON.stringify(answer.body, undefined, 2) : `${JSON.stringify(answer.body)}\n`;
}

function send(call: Call, response: ServerResponse, warnings: string[], answer: Answer): void {
  // As bytes: a body that is text would have Node write the headers as UTF-8 too, which the warnings are already.
  const body = Buffer.from(
    answer.status === 304 ? '' : render(answer, answer.pretty === true || wantsPretty(call)),
  );
  const isEmpty = answer.status === 204 || answer.status === 304;
  if (warnings.length > 0) response.setHeader('warning', warnings);
  response.writeHead(answer.status, {
    'cache-control': 'no-cache, private',
    ...(answer.status === 304 ? {} : { 'content-type': contentTypes[answer.form ?? 'json'] }),
    ...answer.headers,
    ...(isEmpty ? {} : { 'content-length': body.length }),
  });
  response.end(body);
}

/** For an answer that could not be written: what was asked for may be done, and the client must not take it for unheard. */
function sendFailure(response: ServerResponse): void {
  const body = JSON.stringify(internalError().status);
  response.writeHead(500, { 'content-type': contentTypes.json, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function toErrorAnswer(error: StatusError): Answer {
  const retryAfter = error.status.details?.retryAfterSeconds;
  const answer: Answer = { status: error.code, body: error.status, pretty: error.indented };
  return retryAfter === undefined ? answer : { ...answer, headers: { 'retry-after': String(retryAfter) } };
}

/**
 * The parts of a request's target as they were sent: URL would resolve `..`, also where it is a name in disguise. As in Go
 * the path is decoded whole, so that an encoded slash divides too.
 */
function splitTarget(target: string): { path: string; query: string } {
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(target) ?? [];
  try {
    return { path: decodeURIComponent(path), query };
  } catch {
    return { path, query };
  }
}

/** Serves the API. `close` ends watches and followed logs. */
export async function serveApi(
  options: ApiServerOptions,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const closing = new AbortController();
  const route = createRouter({ registry: options.registry, readLog: options.readLog });

  async function decideAnswer(request: IncomingMessage, call: Call, path: string): Promise<Answer | Stream> {
    try {
      checkGuards(request);
      const isInside = path === options.prefix || path.startsWith(`${options.prefix}/`);
      return isInside ? await route(call) : pageNotFound();
    } catch (error) {
      if (error instanceof StatusError) return toErrorAnswer(error);
      // Waiting or reading was cut short because nobody is there any more.
      if (!call.signal.aborted && request.errored === null)
        options.log.error({ err: error }, 'local cluster API request failed');
      return toErrorAnswer(internalError());
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { path, query } = splitTarget(request.url ?? '/');
    const warnings = createWarnings();
    const call: Call = {
      method: request.method ?? 'GET',
      path: path.slice(options.prefix.length),
      query: new URLSearchParams(query),
      headers: request.headers,
      body: () => readBody(request),
      warn: warnings.add,
      signal: AbortSignal.any([gone.signal, closing.signal]),
    };
    const answer = await decideAnswer(request, call, path);
    if ('stream' in answer) await answer.stream(response);
    else send(call, response, warnings.headers(), answer);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.destroyed) return;
      options.log.error({ err: error }, 'local cluster API answer failed');
      if (!response.headersSent) sendFailure(response);
      else if (!response.writableEnded) response.destroy();
    });
  });
  // Longer than clients keep idle connections: the side that closes first must not be the one that others write to.
  server.keepAliveTimeout = 120_000;
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
