import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { findFreePort } from './free-port.ts';
import { startQuickCluster } from './quick-cluster.ts';
import { createServiceProcess } from './service-process.ts';

const jobSchema = z.object({ id: z.string(), state: z.string() });

const watchSchema = z.object({ faults: z.int() });
const healthSchema = z.object({
  degraded: z.array(z.string()),
  watches: z.object({ jobs: watchSchema, pods: watchSchema }),
});

export type QuickRig = Awaited<ReturnType<typeof startQuickRig>>;

/** The service in a process of its own, on a cluster whose Jobs cost nothing. The service is not started yet. */
export async function startQuickRig({
  env = {},
  launcher = [],
  ...options
}: Parameters<typeof startQuickCluster>[0] & {
  env?: Record<string, string>;
  launcher?: readonly string[];
} = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-quick-'));
  const cluster = await startQuickCluster(options);
  const service = createServiceProcess({
    databasePath: join(dir, 'jobspawn.db'),
    kubeconfigPath: cluster.kubeconfigPath,
    port: await findFreePort(),
    env,
    launcher,
  });

  async function submit(request: Record<string, unknown> = {}): Promise<string> {
    const { status, text } = await post(`${service.url}/api/v1/jobs`, { name: 'quick', ...request });
    if (status !== 202) throw new Error(`${status}: ${text}`);
    return jobSchema.parse(JSON.parse(text)).id;
  }

  async function findState(id: string): Promise<string> {
    const answer = await fetch(`${service.url}/api/v1/jobs/${id}`);
    return jobSchema.parse(await answer.json()).state;
  }

  return {
    cluster,
    service,
    submit,
    findState,
    untilState: (id: string, state: string) => until(async () => (await findState(id)) === state),
    /** What `/readyz` tells. */
    findHealth: async () => healthSchema.parse(JSON.parse((await service.readyz())?.text ?? '')),
    async stop() {
      if (!service.hasEnded()) await service.kill();
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
