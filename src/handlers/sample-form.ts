import { z } from 'zod';
import type { Intake } from '../control/intake.ts';
import { jobRequestSchema } from '../core/job-request.ts';
import type { JobRequest } from '../core/job-request.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

const sampleForm = z
  .strictObject({
    'job-id': z
      .string()
      .optional()
      .transform((id) => (id === '' ? undefined : id))
      .pipe(jobRequestSchema.shape.id),
    'job-name': jobRequestSchema.shape.name,
  })
  .transform((form): JobRequest => {
    const defaults = jobRequestSchema.parse({ name: form['job-name'] });
    return { ...defaults, id: form['job-id'] };
  });

/** The form of the original sample: it runs the worker image under a name, and an id if one is given. */
export function createSampleForm({ intake }: { intake: Intake }): Route[] {
  return [
    route({
      method: 'post',
      path: '/runajob',
      needs: 'operator',
      kind: 'page',
      tag: 'Pages',
      summary: 'Run a job, as the original sample had it',
      body: { types: ['form'], schema: sampleForm },
      answers: { 303: { description: "To the job's page" } },
      problems: [400, 403, 409, 413, 415, 421, 503],
      handle: async ({ res, body, caller }) => {
        const { job } = await intake.accept(body, { idempotencyKey: null, by: caller });
        res.redirect(303, `/jobs/${encodeURIComponent(job.id)}`);
      },
    }),
  ];
}
