import { z } from 'zod';
import { jobObservationSchema } from '../core/facts.ts';
import type { JobFacts } from '../core/facts.ts';
import { jobSummarySchema } from '../core/job.ts';
import type { JobSummary } from '../core/job.ts';
import { jobSpecSchema } from '../core/job-request.ts';
import { jobStates } from '../core/job-state.ts';

/** A TEXT column that holds JSON of the given shape. */
export function jsonColumn<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

export const flag = z.union([z.literal(0), z.literal(1)]).transform((bit) => bit === 1);

const text = z.string().nullable();

export const jobRowSchema = z.object({
  number: z.int(),
  id: z.string(),
  name: z.string(),
  spec: jsonColumn(jobSpecSchema),
  request_hash: z.string(),
  rerun_of: text,
  namespace: z.string(),
  generate_name: z.string(),
  kubernetes_name: z.string(),
  state: z.enum(jobStates),
  reason: text,
  explanation: text,
  discrepancy: text,
  report: jsonColumn(jobSummarySchema.shape.report).nullable(),
  result: jsonColumn(z.unknown()).nullable(),
  created_at: z.string(),
  claimed_at: text,
  started_at: text,
  finished_at: text,
  cancel_requested_at: text,
  cancel_cause: z.enum(['User', 'StartDeadline']).nullable(),
  dispatch: z.enum(['created', 'refused', 'unknown']).nullable(),
  dispatch_reason: text,
  dispatch_message: text,
  kubernetes_uid: text,
  observation: jsonColumn(jobObservationSchema).nullable(),
  gone: flag,
  pod_refusal: text,
});
export type JobRow = z.output<typeof jobRowSchema>;

/** What of a row the word of a worker is held against. */
export type SpokenOf = Pick<JobRow, 'id' | 'state' | 'finished_at'> & {
  spec: Pick<JobRow['spec'], 'completions' | 'completionMode' | 'restartPolicy'>;
};

export const spokenOfSchema = jobRowSchema
  .pick({ id: true, state: true, finished_at: true })
  .extend(jobSpecSchema.pick({ completions: true, completionMode: true, restartPolicy: true }).shape)
  .transform(({ completions, completionMode, restartPolicy, ...row }): SpokenOf => ({
    ...row,
    spec: { completions, completionMode, restartPolicy },
  }));

export function toSummary(row: JobRow): JobSummary {
  return {
    id: row.id,
    name: row.name,
    template: null,
    schedule: null,
    state: row.state,
    report: row.report,
    result: row.result,
    reason: row.reason,
    explanation: row.explanation,
    discrepancy: row.discrepancy,
    spec: row.spec,
    rerunOf: row.rerun_of,
    cancelRequestedAt: row.cancel_requested_at,
    kubernetes: {
      namespace: row.namespace,
      name: row.kubernetes_name,
      uid: row.kubernetes_uid,
      succeeded: row.observation?.succeeded ?? 0,
      failed: row.observation?.failed ?? 0,
      active: row.gone ? 0 : (row.observation?.active ?? 0),
    },
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}

export function toDispatchOutcome(row: JobRow): JobFacts['dispatch'] {
  const message = row.dispatch_message ?? '';
  switch (row.dispatch) {
    case 'refused':
      return { kind: 'refused', reason: row.dispatch_reason ?? 'Refused', message };
    case 'unknown':
      return { kind: 'unknown', message };
    case 'created':
      return { kind: 'created' };
    default:
      return null;
  }
}

/** The Kubernetes Job as a fact. One of which only the uid is known was created all the same, and can be gone. */
export function toJobFact(row: JobRow): JobFacts['job'] {
  if (row.kubernetes_uid === null) return null;
  if (row.observation !== null) return { ...row.observation, gone: row.gone };
  return {
    uid: row.kubernetes_uid,
    name: row.kubernetes_name,
    namespace: row.namespace,
    createdAt: row.claimed_at ?? row.created_at,
    deletedAt: null,
    startedAt: null,
    completedAt: null,
    active: 0,
    ready: 0,
    succeeded: 0,
    failed: 0,
    conditions: [],
    gone: row.gone,
  };
}
