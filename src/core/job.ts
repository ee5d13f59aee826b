import { z } from 'zod';
import { jobSpecSchema } from './job-request.ts';
import { jobStates } from './job-state.ts';
import { jobIdSchema } from './report.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC');

const reportViewSchema = z.object({
  status: z.string(),
  message: z.string().nullable(),
  progress: z.number().nullable().describe('Percent'),
  at: time,
});

const attemptSchema = z.object({
  pod: z.string(),
  podUid: z.string(),
  phase: z.string(),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
  restarts: z.int(),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});

/** One completion index, with the pods that worked on it, oldest first, and its worker's latest word. */
const taskSchema = z.object({
  index: z.int(),
  report: reportViewSchema.nullable(),
  attempts: z.array(attemptSchema),
});

const conditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  message: z.string().nullable(),
  at: time.nullable(),
});

/** A job as lists show it. */
export const jobSummarySchema = z.object({
  id: jobIdSchema,
  name: z.string(),
  template: z.string().nullable(),
  schedule: z.string().nullable(),
  state: z.enum(jobStates),
  report: reportViewSchema.nullable().describe("The worker's latest word"),
  result: z.unknown().describe('Any JSON, as the worker gave it; null where there is none'),
  reason: z.string().nullable(),
  explanation: z.string().nullable(),
  discrepancy: z.string().nullable(),
  spec: jobSpecSchema,
  rerunOf: z.string().nullable(),
  cancelRequestedAt: time.nullable(),
  kubernetes: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string().nullable(),
    succeeded: z.int(),
    failed: z.int(),
    active: z.int(),
  }),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});
export type JobSummary = z.output<typeof jobSummarySchema>;

/** A job alone: with its tasks and what Kubernetes says of it. */
export const jobSchema = jobSummarySchema.extend({
  tasks: z.array(taskSchema),
  reports: z.array(
    reportViewSchema.extend({ task: z.int(), attempt: z.int().nullable(), podUid: z.string().nullable() }),
  ),
  conditions: z.array(conditionSchema),
});
export type Job = z.output<typeof jobSchema>;

/** An entry of the history: what changed, and the state after it. `seq` grows over all jobs. */
export const jobEventSchema = z.object({
  seq: z.int(),
  at: time,
  jobId: jobIdSchema,
  kind: z.enum(['state', 'report', 'pod', 'log', 'cancel']),
  state: z.enum(jobStates),
  reason: z.string().nullish().describe('state, pod: why'),
  explanation: z.string().nullish().describe('state: the same in a sentence'),
  discrepancy: z.string().nullish().describe('state, report: where two words differ'),
  status: z.string().optional().describe('report: what the worker said'),
  message: z.string().nullish().describe('report'),
  progress: z.number().nullish().describe('report: percent'),
  task: z.int().optional().describe('report, pod, log: the completion index'),
  pod: z.string().optional().describe('pod, log: its name'),
  podUid: z.string().nullish().describe('report, pod, log'),
  phase: z.string().optional().describe('pod'),
  exitCode: z.int().nullish().describe('pod'),
  bytes: z.int().optional().describe('log: the size of what was kept'),
});
export type JobEvent = z.output<typeof jobEventSchema>;

export const jobPageSchema = z.object({ jobs: z.array(jobSummarySchema), nextCursor: z.string().nullable() });

/** The filters of a list, as they stand in a query string. */
export const jobQuerySchema = z.strictObject({
  state: z.enum(jobStates).optional(),
  name: z.string().max(200).optional().describe('Exactly this name'),
  template: z.string().max(63).optional(),
  schedule: z.string().max(63).optional(),
  q: z
    .string()
    .max(200)
    .optional()
    .describe(
      'Part of the name, of the latest report (status or message), of the reason or of its explanation, or the start of the id; in any case',
    ),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be the nextCursor of an earlier page')
    .optional(),
});
export type JobQuery = z.output<typeof jobQuerySchema>;
