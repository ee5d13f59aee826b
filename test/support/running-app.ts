import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/app/config.ts';
import { startApp } from '../../src/app/start-app.ts';
import type { App } from '../../src/app/start-app.ts';
import { jobEventSchema, jobSchema } from '../../src/core/job.ts';
import type { Job } from '../../src/core/job.ts';
import { isFinal } from '../../src/core/job-state.ts';
import { until } from './until.ts';

const historySchema = z.object({ events: z.array(jobEventSchema) });

/** The whole service on a free port, with a local cluster and data of its own. */
export async function startTestApp(
  environment: Record<string, string> = {},
  overrides: Parameters<typeof startApp>[1] = {},
) {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-test-'));
  const app: App = await startApp(
    parseConfig({
      PORT: '0',
      CLUSTER: 'local',
      DATABASE_PATH: join(dir, 'jobspawn.db'),
      LOG_LEVEL: 'error',
      ...environment,
    }),
    overrides,
  );
  const url = app.url;

  async function submit(request: Record<string, unknown>): Promise<Job> {
    const answer = await fetch(`${url}/api/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`);
    return jobSchema.parse(await answer.json());
  }

  async function findJob(id: string): Promise<Job> {
    const answer = await fetch(`${url}/api/v1/jobs/${id}`);
    return jobSchema.parse(await answer.json());
  }

  return {
    url,
    callbackUrl: app.callbackUrl,
    kubeconfigPath: app.kubeconfigPath,
    submit,
    findJob,
    /** The job once it is in a final state. */
    untilDone: (id: string, timeoutMs = 60_000) =>
      until(
        async () => {
          const job = await findJob(id);
          return isFinal(job.state) ? job : undefined;
        },
        { timeoutMs },
      ),
    /** Once the log of the job's pod is in the database. */
    untilLogIsKept: (id: string) =>
      until(async () => {
        const answer = await fetch(`${url}/api/v1/jobs/${id}/events`);
        const { events } = historySchema.parse(await answer.json());
        return events.some(({ kind }) => kind === 'log');
      }),
    async stop() {
      await app.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
