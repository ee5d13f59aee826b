import type { Response } from 'express';
import { z } from 'zod';
import type { Intake } from '../control/intake.ts';
import { AppError } from '../core/app-error.ts';
import { jobPageSchema, jobQuerySchema, jobSchema } from '../core/job.ts';
import type { Job } from '../core/job.ts';
import { jobRequestSchema } from '../core/job-request.ts';
import type { Store } from '../store/store.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

const accepted = { description: 'Accepted, durably. `Location` names the job', schema: jobSchema };

/** A call without fields: no body, or an empty one. */
export const emptyBody = { types: ['json', 'form'] as const, schema: z.strictObject({}) };

const repeatable = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: 'must be 1 to 255 visible ASCII characters' })
    .optional(),
});

/** The jobs as a REST resource. */
export function createJobApi({
  store,
  intake,
}: {
  store: Pick<Store, 'findJob' | 'listJobs'>;
  intake: Intake;
}): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/jobs',
      needs: 'operator',
      kind: 'api',
      tag: 'Jobs',
      summary: 'Request a job',
      description:
        'The answer is durable before it is sent; while too many jobs wait it is 503 with `Retry-After`. The same `Idempotency-Key`, or the same `id`, with the same body gives the same job again; with another body it is 409.',
      headers: repeatable,
      body: { types: ['json'], schema: jobRequestSchema },
      answers: { 202: accepted },
      problems: [400, 403, 409, 413, 415, 421, 503],
      handle: async ({ res, headers, body, caller }) => {
        const { job } = await intake.accept(body, {
          idempotencyKey: headers['Idempotency-Key'] ?? null,
          by: caller,
        });
        sendAccepted(res, job);
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/jobs',
      needs: 'viewer',
      kind: 'api',
      tag: 'Jobs',
      summary: 'List jobs, newest first',
      query: jobQuerySchema,
      answers: {
        200: { description: 'A page of jobs; `nextCursor` asks for the next', schema: jobPageSchema },
      },
      problems: [400, 421],
      handle: ({ res, query }) => res.json(store.listJobs(query)),
    }),
    route({
      method: 'get',
      path: '/api/v1/jobs/:id',
      needs: 'viewer',
      kind: 'api',
      tag: 'Jobs',
      summary: 'Look at a job, with its tasks, reports and conditions',
      answers: { 200: { description: 'The job', schema: jobSchema } },
      problems: [400, 404, 421],
      handle: ({ res, param }) => res.json(getJob(store, param('id'))),
    }),
    route({
      method: 'post',
      path: '/api/v1/jobs/:id/cancel',
      needs: 'operator',
      kind: 'api',
      tag: 'Jobs',
      summary: 'Cancel a job',
      description: 'A queued job is cancelled at once; one in the cluster ends when its pods are gone.',
      body: emptyBody,
      answers: { 202: { description: 'Cancelled, or on its way to it', schema: jobSchema } },
      problems: [400, 403, 404, 409, 413, 415, 421, 503],
      handle: async ({ res, param, caller }) => {
        await intake.cancel(param('id'), { by: caller });
        sendAccepted(res, getJob(store, param('id')));
      },
    }),
    route({
      method: 'post',
      path: '/api/v1/jobs/:id/rerun',
      needs: 'operator',
      kind: 'api',
      tag: 'Jobs',
      summary: 'Run a job again, as a new job',
      description: 'The same `Idempotency-Key` gives the same new job again; for another job it is 409.',
      headers: repeatable,
      body: emptyBody,
      answers: { 202: accepted },
      problems: [400, 403, 404, 409, 413, 415, 421, 503],
      handle: async ({ res, param, headers, caller }) => {
        const { job } = await intake.rerun(param('id'), {
          idempotencyKey: headers['Idempotency-Key'] ?? null,
          by: caller,
        });
        sendAccepted(res, job);
      },
    }),
  ];
}

/** The job. Throws AppError `not-found`. */
export function getJob(store: Pick<Store, 'findJob'>, id: string): Job {
  const job = store.findJob(id);
  if (job === undefined) throw new AppError('not-found', 'There is no such job.');
  return job;
}

function sendAccepted(res: Response, job: Job): void {
  res
    .status(202)
    .location(`/api/v1/jobs/${encodeURIComponent(job.id)}`)
    .json(job);
}
