import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { toJobManifest } from '../src/kube/job-manifest.ts';
import { startLocalCluster } from '../src/local-cluster/cluster.ts';
import { newJob } from '../test/store/stage.ts';
import type { CreateTarget } from './create-target.ts';

const namespace = 'default';

/**
 * An empty local cluster, and a watch that counts the Jobs that come into it. No image name stands for anything there: it makes the pods of the
 * Jobs and starts no process, so that what is measured is how fast Jobs come.
 */
export async function startLocalApi(): Promise<CreateTarget> {
  const dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-bench-'));
  const cluster = await startLocalCluster({ dataDir, images: {}, log: pino({ level: 'silent' }) });
  const { origin, pathname } = new URL(cluster.url);
  const jobsPath = `${pathname}/apis/batch/v1/namespaces/${namespace}/jobs`;
  // The cluster ends it when it stops.
  const { body } = await fetch(`${origin}${jobsPath}?watch=true&resourceVersion=0`);
  if (body === null) throw new Error('the watch has no body');
  const cameAt: number[] = [];
  createInterface({ input: Readable.fromWeb(body) }).on('line', (line) => {
    if (line.startsWith('{"type":"ADDED"')) cameAt.push(performance.now());
  });

  return {
    url: origin,
    jobsPath,
    namespace,
    kubeconfigPath: cluster.kubeconfigPath,
    lastBody: () =>
      JSON.stringify(
        toJobManifest({
          item: newJob({ namespace }),
          callbackUrl: 'http://127.0.0.1:8080',
          token: 'as-long-as-a-token-of-a-job-is-43-characters',
        }),
      ),
    countCreates: () => cameAt.length,
    takeRate: () => ((cameAt.length - 1) * 1000) / ((cameAt.at(-1) ?? 0) - (cameAt[0] ?? 0)),
    async close() {
      await cluster.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}
