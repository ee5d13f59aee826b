/**
 * An API server whose Jobs cost nothing: no controllers, no processes. What each Job comes to is played at once by the test, so that
 * there can be thousands, logs of any size, and objects that no real cluster would show.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';

const metadataSchema = z.looseObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
});
const bodySchema = z.looseObject({ metadata: metadataSchema });

export type Thing = z.output<typeof bodySchema> & { metadata: { uid: string } };
export type Kind = 'jobs' | 'pods';
/** Writes the log of a pod, line by line as the kubelet would; `stamped`: each line begins with its time. */
export type WriteLog = (response: ServerResponse, how: { pod: string; stamped: boolean }) => void;

/** Of the context in `kubeconfigPath`. */
export const quickNamespace = 'somewhere';
const now = () => new Date().toISOString().replace(/\.\d+/, '');

export async function startQuickCluster({
  onCreate = end,
  writeLog = (response) => response.end(),
}: { onCreate?: (cluster: Shelves, job: Thing) => void; writeLog?: WriteLog } = {}) {
  const shelves = createShelves();
  const logs = new Set<ServerResponse>();

  function create(body: unknown, response: ServerResponse): void {
    const { metadata, ...rest } = bodySchema.parse(body);
    if (shelves.find('jobs', metadata.name) !== undefined) return sendStatus(response, 409, 'AlreadyExists');
    const job = shelves.put('jobs', { ...rest, metadata: { ...metadata, uid: randomUUID() }, status: {} });
    sendJson(response, 201, job);
    onCreate(shelves, job);
  }

  function serveLog(pod: string, query: URLSearchParams, response: ServerResponse): void {
    logs.add(response);
    response.once('close', () => logs.delete(response));
    response.writeHead(200, { 'content-type': 'text/plain' });
    writeLog(response, { pod, stamped: query.get('timestamps') === 'true' });
  }

  const api = await startFakeApi(({ method, path, query, body }, response) => {
    const [, plural = '', name, sub] =
      /\/namespaces\/[^/]+\/([a-z]+)(?:\/([^/]+))?(?:\/(log))?$/.exec(path) ?? [];
    if (path.endsWith(`/namespaces/${quickNamespace}`))
      return sendJson(response, 200, { metadata: { uid: 'the-namespace' } });
    if (plural !== 'jobs' && plural !== 'pods') return sendJson(response, 200, { metadata: {}, items: [] });
    if (method === 'POST') return create(body, response);
    if (name === undefined && query.get('watch') === 'true')
      return shelves.watch(plural, Number(query.get('resourceVersion')), response);
    if (name === undefined)
      return sendJson(
        response,
        200,
        shelves.list(plural, Number(query.get('limit')), Number(query.get('continue'))),
      );
    const found = shelves.find(plural, name);
    if (found === undefined) return sendStatus(response, 404, 'NotFound');
    if (sub === 'log') return serveLog(name, query, response);
    if (method === 'DELETE') shelves.drop(plural, name);
    sendJson(response, 200, found);
  });

  return {
    kubeconfigPath: api.kubeconfigPath,
    requests: api.requests,
    shelves,
    /** Logs that are being read now. */
    openLogs: () => logs.size,
    stop: () => api.close(),
  };
}

export type Shelves = ReturnType<typeof createShelves>;

/** The objects of both kinds, their lists in pages, and what happened to them, for watches from any moment on. */
function createShelves() {
  const objects = { jobs: new Map<string, Thing>(), pods: new Map<string, Thing>() };
  const told = { jobs: [] as [number, string][], pods: [] as [number, string][] };
  const watchers = { jobs: new Set<ServerResponse>(), pods: new Set<ServerResponse>() };
  let version = 1;

  /** Any object, in any shape, as an event of the watch. */
  function tell(kind: Kind, type: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    told[kind].push([version, line]);
    for (const watcher of watchers[kind]) watcher.write(line);
  }

  function put(kind: Kind, { metadata, ...rest }: Thing): Thing {
    version += 1;
    const type = objects[kind].has(metadata.name) ? 'MODIFIED' : 'ADDED';
    const object = {
      ...rest,
      metadata: {
        creationTimestamp: now(),
        namespace: quickNamespace,
        ...metadata,
        resourceVersion: String(version),
      },
    };
    objects[kind].set(metadata.name, object);
    tell(kind, type, object);
    return object;
  }

  return {
    put,
    tell,
    find: (kind: Kind, name: string) => objects[kind].get(name),

    drop(kind: Kind, name: string): void {
      const object = objects[kind].get(name);
      if (object === undefined || !objects[kind].delete(name)) return;
      version += 1;
      tell(kind, 'DELETED', {
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(version) },
      });
    },

    /** `from` is the token of the page before, which is how many came before. */
    list(kind: Kind, limit: number, from: number) {
      const all = [...objects[kind].values()];
      const items = all.slice(from, from + limit);
      const rest = from + limit < all.length ? { continue: String(from + limit) } : {};
      return { metadata: { resourceVersion: String(version), ...rest }, items };
    },

    watch(kind: Kind, after: number, response: ServerResponse): void {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      for (const [at, line] of told[kind]) if (at > after) response.write(line);
      watchers[kind].add(response);
      response.once('close', () => watchers[kind].delete(response));
    },
  };
}

/** The pod of a Job, in this state of its container. */
function toPod(job: Thing, phase: string, state: Record<string, unknown>): Thing {
  const { name, uid, labels } = job.metadata;
  return {
    metadata: {
      name: `${name}-x7k2p`,
      uid: `pod-of-${uid}`,
      labels: { ...labels, 'batch.kubernetes.io/job-name': name },
      ownerReferences: [{ kind: 'Job', name, uid, controller: true }],
    },
    status: { phase, containerStatuses: [{ name: 'main', restartCount: 0, state }] },
  };
}

/** Its pod runs, and goes on running. */
export function run({ put }: Shelves, job: Thing): void {
  put('pods', toPod(job, 'Running', { running: { startedAt: now() } }));
  put('jobs', { ...job, status: { startTime: now(), active: 1, ready: 1 } });
}

/** Its pod runs and exits with 0, and it is complete. */
export function end(shelves: Shelves, job: Thing): void {
  run(shelves, job);
  const terminated = { exitCode: 0, reason: 'Completed', startedAt: now(), finishedAt: now() };
  shelves.put('pods', toPod(job, 'Succeeded', { terminated }));
  const conditions = [
    { type: 'Complete', status: 'True', reason: 'CompletionsReached', lastTransitionTime: now() },
  ];
  shelves.put('jobs', {
    ...job,
    status: { startTime: now(), completionTime: now(), succeeded: 1, conditions },
  });
}
