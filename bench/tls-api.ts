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
import { quickNamespace as namespace } from '../test/faults/quick-cluster.ts';
import { sendJson, sendStatus } from '../test/kube/fake-api.ts';
import { selfSigned } from '../test/kube/self-signed.ts';
import { createdSchema } from './recorded-life.ts';
import type { CreatedJob, Kind } from './recorded-life.ts';
import { createToldObjects } from './told-objects.ts';
import type { Told } from './told-objects.ts';

const jobsPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
const paths = { jobs: jobsPath, pods: `/api/v1/namespaces/${namespace}/pods` };
const answerAfterMs = 3;

type TlsApiOptions = {
  /** What is in the cluster from the beginning, as JSON. */
  listed?: Readonly<Record<Kind, readonly string[]>>;
  /** What becomes of a Job once its create is answered. Unless said, the watch is told of it, and it stays as it is. */
  onCreate?: (created: CreatedJob) => void;
  /** The log of every pod, and who is told when one has been read. */
  podLog?: string;
  onLogRead?: (pod: string) => void;
};

/** An API server over TLS that takes 3 ms for each create. The cluster is the same for the service as the one of `startQuickCluster`. */
export async function startTlsApi({
  listed = { jobs: [], pods: [] },
  onCreate,
  podLog = '',
  onLogRead = () => {},
}: TlsApiOptions = {}) {
  const objects = { jobs: createToldObjects(listed.jobs), pods: createToldObjects(listed.pods) };
  const counts = { creates: 0, logs: 0, others: 0, events: 0, bytes: 0 };
  let createdAt: number[] = [];
  let lastBody = '';

  function tell(kind: Kind, told: Told): void {
    counts.events += 1;
    counts.bytes += objects[kind].tell(told);
  }

  async function create(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.creates += 1;
    createdAt.push(performance.now());
    const body = await text(incoming);
    lastBody = body;
    await delay(answerAfterMs);
    const job = createdSchema.parse(JSON.parse(body));
    const uid = randomUUID();
    const known = {
      uid,
      namespace,
      resourceVersion: String(counts.creates + 1),
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    };
    const object = JSON.stringify({ ...job, metadata: { ...job.metadata, ...known }, status: {} });
    response.writeHead(201, { 'content-type': 'application/json' }).end(object);
    if (onCreate === undefined) tell('jobs', { type: 'ADDED', uid, object });
    else onCreate({ job, uid });
  }

  function answer(incoming: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'https://api');
    if (incoming.method === 'POST' && pathname === jobsPath) return void create(incoming, response);
    const pod = /\/pods\/([^/]+)\/log$/.exec(pathname)?.[1];
    if (pod !== undefined) {
      counts.logs += 1;
      response.writeHead(200, { 'content-type': 'text/plain' }).end(podLog, () => onLogRead(pod));
      return;
    }
    counts.others += 1;
    const kind = pathname === paths.jobs ? 'jobs' : pathname === paths.pods ? 'pods' : undefined;
    if (incoming.method !== 'GET') return sendStatus(response, 404, 'NotFound');
    if (pathname.endsWith(`/namespaces/${namespace}`))
      return sendJson(response, 200, { metadata: { uid: 'the-namespace' } });
    if (kind === undefined) return sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [] });
    const asked = (name: string) => Number(searchParams.get(name));
    if (searchParams.get('watch') === 'true') return objects[kind].watch(asked('resourceVersion'), response);
    objects[kind].list({ limit: asked('limit'), from: asked('continue') }, response);
  }

  const server = createServer(selfSigned, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const url = `https://127.0.0.1:${port}`;
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  writeKubeconfig(kubeconfigPath, url);

  return {
    url,
    jobsPath,
    namespace,
    kubeconfigPath,
    tell,
    /** The cluster is as it was at the start: for a service that begins anew, under whose names there must be nothing. */
    forget(): void {
      objects.jobs.forget();
      objects.pods.forget();
    },
    /** As the last Job came. */
    lastBody: () => lastBody,
    /** Requests by what they were, events that were told, and their bytes. */
    counts: () => ({ ...counts }),
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

function writeKubeconfig(path: string, server: string): void {
  const kubeconfig = {
    clusters: [{ name: 'stub', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user: { token: 'of-the-stub' } }],
    contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'me', namespace } }],
    'current-context': 'stub',
  };
  writeFileSync(path, JSON.stringify(kubeconfig));
}
