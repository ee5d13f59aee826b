/**
 * Stands between the service and the API server, and does to their talk what networks, load balancers and tired servers do:
 * scripted by rules, counted, and with a record of every Job that the server said it has made, whether or not that answer arrived.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Dice } from './dice.ts';
import { sendFalse } from './false-answer.ts';
import { createFaultRules } from './fault-rules.ts';
import type { Action, Call } from './fault-rules.ts';
import { findFreePort } from './free-port.ts';
import { pourStream } from './faulty-stream.ts';

const createdSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), labels: z.record(z.string(), z.string()) }),
});

/** A Job that the API server answered with 201. */
export type CreatedJob = { name: string; uid: string; jobId: string };

/** A request as it came, for tests about pace and order. `at` is in ms of `performance.now()`, `code` what the API server answered. */
export type Seen = Call & { at: number; code: number | null };

export type ApiProxy = Awaited<ReturnType<typeof startApiProxy>>;

export async function startApiProxy({ upstream, dice }: { upstream: string; dice: Dice }) {
  const target = new URL(upstream);
  const rules = createFaultRules(dice);
  const created: CreatedJob[] = [];
  const seen: Seen[] = [];
  const agent = new Agent({ keepAlive: true });
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-proxy-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  const port = await findFreePort();
  let server: Server | undefined;

  function writeKubeconfig({ token }: { token?: string } = {}): void {
    const cluster = {
      server: `http://127.0.0.1:${port}${target.pathname}`,
      'insecure-skip-tls-verify': true,
    };
    const kubeconfig = {
      clusters: [{ name: 'proxied', cluster }],
      users: [{ name: 'me', user: token === undefined ? {} : { token } }],
      contexts: [{ name: 'here', context: { cluster: 'proxied', user: 'me', namespace: 'default' } }],
      'current-context': 'here',
    };
    writeFileSync(kubeconfigPath, JSON.stringify(kubeconfig));
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = toCall(incoming, target.pathname);
    const entry: Seen = { ...call, at: performance.now(), code: null };
    seen.push(entry);
    // A client that dies while it speaks has asked for nothing.
    const body = await buffer(incoming);
    const action = rules.find(call);
    if (action?.kind === 'answer') return sendFalse(response, action.with);
    if (action?.kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (action?.kind === 'delay') await delay(action.ms);
    if (action?.kind === 'hold') await action.until;
    const answered = await forward(incoming, body);
    entry.code = answered.statusCode ?? null;
    await relay(answered, { call, action, response });
  }

  async function forward(incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { host: _host, connection: _connection, ...headers } = incoming.headers;
    const outgoing = sendRequest({
      agent,
      hostname: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers,
    });
    outgoing.end(body);
    const [answered] = (await once(outgoing, 'response')) as [IncomingMessage];
    return answered;
  }

  async function relay(
    answered: IncomingMessage,
    { call, action, response }: { call: Call; action: Action | undefined; response: ServerResponse },
  ): Promise<void> {
    const code = answered.statusCode ?? 502;
    const { 'transfer-encoding': _encoding, connection: _connection, ...headers } = answered.headers;
    if (call.isWatch && code === 200) {
      response.writeHead(code, headers);
      response.flushHeaders();
      return pourStream(answered, response, action);
    }
    // Taken whole, also for a client that has gone away: what the server has done is on record.
    const whole = await buffer(answered);
    if (code === 201 && call.path.endsWith('/jobs')) record(whole);
    if (action?.kind === 'drop-answer') return void response.socket?.resetAndDestroy();
    if (action?.kind === 'answer-otherwise') return sendFalse(response, action.with);
    if (action?.kind === 'delay-answer') await delay(action.ms);
    response.writeHead(code, headers);
    response.end(whole);
  }

  function record(body: Buffer): void {
    const { name, uid, labels } = createdSchema.parse(JSON.parse(body.toString())).metadata;
    created.push({ name, uid, jobId: labels['jobspawn.dev/job-id'] ?? '' });
  }

  async function up(): Promise<void> {
    const next = createServer((incoming, response) => {
      // Either side may go away at any time: that is what this is for.
      serve(incoming, response).catch(() => response.destroy());
    });
    next.keepAliveTimeout = 60_000;
    next.listen(port, '127.0.0.1');
    await once(next, 'listening');
    server = next;
  }

  /** Nobody answers there any more, and every connection is cut. */
  async function down(): Promise<void> {
    const last = server;
    server = undefined;
    if (last === undefined) return;
    const closed = once(last, 'close');
    last.close();
    last.closeAllConnections();
    await closed;
  }

  writeKubeconfig();
  await up();

  return {
    kubeconfigPath,
    writeKubeconfig,
    inject: rules.inject,
    calm: rules.calm,
    counts: rules.counts,
    created,
    seen,
    up,
    async down() {
      rules.count('API server away');
      await down();
    },
    async stop() {
      await down();
      agent.destroy();
      rmSync(dir, { recursive: true });
    },
  };
}

function toCall({ method = '', url = '', headers }: IncomingMessage, prefix: string): Call {
  const { pathname, search, searchParams } = new URL(url, 'http://proxy');
  return {
    method,
    path: pathname.slice(prefix.length),
    query: search.slice(1),
    isWatch: searchParams.get('watch') === 'true' || searchParams.get('follow') === 'true',
    token: /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1],
  };
}
