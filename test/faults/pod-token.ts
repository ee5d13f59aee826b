import { z } from 'zod';
import type { startClusterProcess } from './cluster-process.ts';

const variableSchema = z.object({ name: z.string(), value: z.string().optional() });
const jobSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.array(z.object({ env: z.array(variableSchema) })) }),
    }),
  }),
});

/** The token with which the pods of this job report, as its Kubernetes Job has it. */
export async function findPodToken(
  { call, listJobs }: Pick<Awaited<ReturnType<typeof startClusterProcess>>, 'call' | 'listJobs'>,
  jobId: string,
): Promise<string> {
  const found = (await listJobs()).find(({ metadata }) => metadata.labels?.['jobspawn.dev/job-id'] === jobId);
  const job = jobSchema.parse(
    await call('GET', `/apis/batch/v1/namespaces/default/jobs/${found?.metadata.name ?? ''}`),
  );
  const variables = job.spec.template.spec.containers.flatMap(({ env }) => env);
  const token = variables.find(({ name }) => name === 'JOBSPAWN_TOKEN')?.value;
  if (token === undefined) throw new Error(`the Job of ${jobId} has no token`);
  return token;
}
