import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { startChild } from './child-process.ts';

const objectSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
});

export type ClusterObject = z.output<typeof objectSchema>;

/** A local cluster in a process of its own: it lives on while the service is killed. `dir` is its own. */
export async function startClusterProcess(dir: string) {
  const child = startChild(['src/local-cluster/main.ts', '--port', '0', '--data', dir]);
  const kubeconfigPath = await child.firstLine;
  const url = /server: (\S+)/.exec(readFileSync(kubeconfigPath, 'utf8'))?.[1] ?? '';

  /** Past the proxy, as somebody else at the cluster would. */
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  return {
    url,
    call,
    async listJobs(): Promise<ClusterObject[]> {
      const list = await call('GET', '/apis/batch/v1/namespaces/default/jobs');
      return z.object({ items: z.array(objectSchema) }).parse(list).items;
    },
    stop: () => child.end('SIGTERM'),
  };
}
