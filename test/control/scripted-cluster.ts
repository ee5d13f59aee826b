import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';

const createdSchema = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ suspend: z.boolean().default(false) }),
});

type StoredJob = { uid: string; labels: Record<string, string>; suspend: boolean };

/** What a create does instead of answering: before anything was made, or after. */
export type Fault = {
  when: 'before' | 'after';
  answer: (response: ServerResponse) => void;
};

export const lostAnswer = (response: ServerResponse): void => void response.socket?.destroy();

export const fullQuota: Fault = {
  when: 'before',
  answer: (response) => sendStatus(response, 403, 'Forbidden', { message: 'exceeded quota: jobs' }),
};

/** An API server with Jobs, no controllers, and creates that go wrong on request. */
export async function startScriptedCluster() {
  const jobs = new Map<string, StoredJob>();
  const creates: { name: string; suspend: boolean }[] = [];
  const faults: Fault[] = [];
  let lasting: Fault | null = null;
  let mayCreate = true;
  let queue: { response: ServerResponse; make: () => void }[] | null = null;

  function toJob(name: string, { uid, labels }: StoredJob) {
    const metadata = {
      name,
      uid,
      labels,
      namespace: 'jobs',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    return { metadata, spec: {}, status: {} };
  }

  function create(body: unknown, response: ServerResponse): void {
    const { metadata, spec } = createdSchema.parse(body);
    creates.push({ name: metadata.name, suspend: spec.suspend });
    const make = () => answer({ metadata, spec }, response);
    if (queue === null) make();
    else queue.push({ response, make });
  }

  function answer({ metadata, spec }: z.output<typeof createdSchema>, response: ServerResponse): void {
    const fault = lasting ?? faults.shift();
    if (fault?.when === 'before') return fault.answer(response);
    if (jobs.has(metadata.name)) return sendStatus(response, 409, 'AlreadyExists');
    const made = { uid: randomUUID(), labels: metadata.labels, suspend: spec.suspend };
    jobs.set(metadata.name, made);
    if (fault !== undefined) fault.answer(response);
    else sendJson(response, 201, toJob(metadata.name, made));
  }

  const api = await startFakeApi(({ method, path, body }, response) => {
    if (path.endsWith('/selfsubjectaccessreviews'))
      return sendJson(response, 201, { status: { allowed: mayCreate } });
    const name = /\/jobs\/jobs\/([^/]+)$/.exec(path)?.[1];
    if (name === undefined) return create(body, response);
    const found = jobs.get(name);
    if (found === undefined) return sendStatus(response, 404, 'NotFound');
    if (method === 'DELETE') jobs.delete(name);
    sendJson(response, 200, toJob(name, found));
  });

  return {
    jobs,
    creates,
    kubeconfigPath: api.kubeconfigPath,
    close: () => api.close(),
    shut: () => api.shut(),
    open: () => api.open(),
    /** From now on creates wait until they are served together. */
    queueUp: () => {
      queue = [];
    },
    queued: () => queue?.length ?? 0,
    /** How often somebody asked for a Job by its name. */
    looks: () =>
      api.requests.filter(({ method, path }) => method === 'GET' && /\/jobs\/[^/]+$/.test(path)).length,
    /** The first `most` of those that wait as usual, and the others with what is said. */
    serve: (most: number, refuse: Fault['answer']) => {
      const served = queue ?? [];
      queue = [];
      for (const [nth, { response, make }] of served.entries()) {
        if (nth < most) make();
        else refuse(response);
      }
    },
    /** For the next creates, one each. */
    failNext: (...next: Fault[]) => void faults.push(...next),
    /** For all creates, until it is told null. */
    failAll: (fault: Fault | null) => {
      lasting = fault;
    },
    grant: (isAllowed: boolean) => {
      mayCreate = isAllowed;
    },
  };
}
