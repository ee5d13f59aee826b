import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { sendJson, sendStatus } from '../test/kube/fake-api.ts';
import { selfSigned } from '../test/kube/self-signed.ts';

const namespace = 'somewhere';
const jobsPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
const answerAfterMs = 3;
const bodySchema = z.looseObject({ metadata: z.looseObject({}) });

/** An API server over TLS that takes 3 ms for each Job, tells the watch of it, and leaves it as it is. */
export async function startTlsApi() {
  const watchers = new Set<ServerResponse>();
  let createdAt: number[] = [];
  let lastBody = '';

  async function create(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    createdAt.push(performance.now());
    lastBody = await text(incoming);
    await delay(answerAfterMs);
    const { metadata, ...rest } = bodySchema.parse(JSON.parse(lastBody));
    const known = {
      uid: randomUUID(),
      namespace,
      resourceVersion: String(createdAt.length + 1),
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    };
    const object = { ...rest, metadata: { ...metadata, ...known }, status: {} };
    sendJson(response, 201, object);
    for (const watcher of watchers) watcher.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
  }

  function watch(path: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (path !== jobsPath) return;
    watchers.add(response);
    response.once('close', () => watchers.delete(response));
  }

  const server = createServer(selfSigned, (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'https://api');
    if (incoming.method === 'POST' && pathname === jobsPath) void create(incoming, response);
    else if (incoming.method !== 'GET') sendStatus(response, 404, 'NotFound');
    else if (searchParams.get('watch') === 'true') watch(pathname, response);
    else if (pathname.endsWith(`/namespaces/${namespace}`))
      sendJson(response, 200, { metadata: { uid: 'the-namespace' } });
    else sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [] });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const url = `https://127.0.0.1:${port}`;
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  const context = { cluster: 'stub', user: 'me', namespace };
  writeFileSync(
    kubeconfigPath,
    JSON.stringify({
      clusters: [{ name: 'stub', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'me', user: { token: 'of-the-stub' } }],
      contexts: [{ name: 'stub', context }],
      'current-context': 'stub',
    }),
  );

  return {
    url,
    jobsPath,
    namespace,
    kubeconfigPath,
    /** As the last Job came. */
    lastBody: () => lastBody,
    countCreates: () => createdAt.length,
    /** Jobs a second, from the first to the last that came since this was last asked. */
    takeRate(): number {
      const [first = 0, last = 0] = [createdAt[0], createdAt.at(-1)];
      const rate = ((createdAt.length - 1) * 1000) / (last - first);
      createdAt = [];
      return rate;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true });
    },
  };
}
