import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export type Received = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: unknown;
};

/** Answers one request. Leaving the response open, or destroying its socket, is an answer too. */
export type Handler = (request: Received, response: ServerResponse) => void | Promise<void>;

/** An API server that says exactly what a test wants it to say, over real HTTP. */
export async function startFakeApi(
  first: Handler = (_request, response) => sendStatus(response, 404, 'NotFound'),
) {
  const requests: Received[] = [];
  let handler = first;
  let connections = 0;
  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const body = await text(incoming);
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: body === '' ? undefined : (JSON.parse(body) as unknown),
    };
    requests.push(request);
    await handler(request, response);
  }
  const server = createServer((incoming, response) => void serve(incoming, response));
  server.on('connection', () => (connections += 1));
  const listen = (at: number) =>
    new Promise<void>((resolve) => {
      server.listen(at, '127.0.0.1', resolve);
    });
  const shut = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await listen(0);
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const dir = mkdtempSync(join(tmpdir(), 'fake-api-'));
  const kubeconfigPath = join(dir, 'kubeconfig');

  function writeKubeconfig({
    token,
    plugin,
    server: address = `http://127.0.0.1:${port}/`,
    isTrusted = true,
  }: { token?: string; plugin?: string; server?: string; isTrusted?: boolean } = {}) {
    const exec =
      plugin === undefined
        ? {}
        : {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: plugin,
              interactiveMode: 'Never',
            },
          };
    writeFileSync(
      kubeconfigPath,
      JSON.stringify({
        clusters: [{ name: 'fake', cluster: { server: address, 'insecure-skip-tls-verify': isTrusted } }],
        users: [{ name: 'me', user: token === undefined ? exec : { token } }],
        contexts: [{ name: 'here', context: { cluster: 'fake', user: 'me', namespace: 'somewhere' } }],
        'current-context': 'here',
      }),
    );
  }
  writeKubeconfig();

  return {
    requests,
    address: `http://127.0.0.1:${port}`,
    kubeconfigPath,
    writeKubeconfig,
    connections: () => connections,
    answer: (next: Handler) => {
      handler = next;
    },
    /** Refuses every connection, until it is opened again. */
    shut,
    open: () => listen(port),
    async close() {
      await shut();
      rmSync(dir, { recursive: true });
    },
  };
}

export function sendJson(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  {
    message = `${reason} as a test wants it`,
    details,
    headers,
  }: { message?: string; details?: unknown; headers?: Record<string, string> } = {},
): void {
  sendJson(
    response,
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, details, code },
    headers,
  );
}
