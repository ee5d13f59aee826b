import { z } from 'zod';
import type { JobObservation, PodObservation } from '../core/facts.ts';
import { jobIdLabel } from '../core/labels.ts';

/** A Kubernetes Job of ours, the id that its label names, and when (ms since 1970) Kubernetes will end it. */
export type SeenJob = { jobId: string | null; observation: JobObservation; deadlineAt: number | null };
/** A pod of such a Job; the Job's labels are on it too. */
export type SeenPod = { jobId: string | null; observation: PodObservation };

const indexAnnotation = 'batch.kubernetes.io/job-completion-index';
const jobUidLabel = 'batch.kubernetes.io/controller-uid';
/** The second is what Kubernetes wrote before 1.27, and writes still. */
const jobNameLabels = ['batch.kubernetes.io/job-name', 'job-name'];
const mainContainer = 'main';

const text = z.string().nullish();
const count = z.int().nullish();

const metadataSchema = z.object({
  uid: z.string(),
  name: z.string(),
  namespace: z.string(),
  creationTimestamp: z.string(),
  deletionTimestamp: text,
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  ownerReferences: z
    .array(z.object({ kind: z.string(), uid: z.string(), controller: z.boolean().nullish() }))
    .nullish(),
});

const conditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: text,
  message: text,
  lastTransitionTime: text,
});

const jobSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ activeDeadlineSeconds: count }),
  status: z
    .object({
      startTime: text,
      completionTime: text,
      active: count,
      ready: count,
      succeeded: count,
      failed: count,
      conditions: z.array(conditionSchema).nullish(),
    })
    .nullish(),
});

const terminatedSchema = z.object({
  exitCode: z.int(),
  reason: text,
  message: text,
  startedAt: text,
  finishedAt: text,
});

const stateSchema = z
  .object({
    waiting: z.object({ reason: text, message: text }).nullish(),
    running: z.object({ startedAt: text }).nullish(),
    terminated: terminatedSchema.nullish(),
  })
  .nullish();

const containerSchema = z.object({
  name: z.string(),
  restartCount: count,
  state: stateSchema,
  lastState: stateSchema,
});
type Container = z.output<typeof containerSchema>;
type Terminated = z.output<typeof terminatedSchema>;

const podSchema = z.object({
  metadata: metadataSchema,
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).catch('Unknown').optional(),
      reason: text,
      message: text,
      conditions: z.array(conditionSchema).nullish(),
      containerStatuses: z.array(containerSchema).nullish(),
      initContainerStatuses: z.array(containerSchema).nullish(),
    })
    .nullish(),
});
type PodStatus = NonNullable<z.output<typeof podSchema>['status']>;

/** The slim projection of a Job as the API sends it. Throws ZodError on what is no Job. */
export function toSeenJob(object: unknown): SeenJob {
  const { metadata, spec, status } = jobSchema.parse(object);
  const startedAt = status?.startTime ?? null;
  const limit = spec.activeDeadlineSeconds;
  return {
    jobId: metadata.labels?.[jobIdLabel] ?? null,
    observation: {
      uid: metadata.uid,
      name: metadata.name,
      namespace: metadata.namespace,
      createdAt: metadata.creationTimestamp,
      deletedAt: metadata.deletionTimestamp ?? null,
      startedAt,
      completedAt: status?.completionTime ?? null,
      active: status?.active ?? 0,
      ready: status?.ready ?? 0,
      succeeded: status?.succeeded ?? 0,
      failed: status?.failed ?? 0,
      conditions: (status?.conditions ?? []).map((condition) => ({
        type: condition.type,
        status: condition.status,
        reason: condition.reason ?? null,
        message: condition.message ?? null,
        at: condition.lastTransitionTime ?? null,
      })),
    },
    deadlineAt: startedAt === null || !limit ? null : Date.parse(startedAt) + limit * 1000,
  };
}

/** The slim projection of a pod; null for one that belongs to no Job. Throws ZodError on what is no pod. */
export function toSeenPod(object: unknown): SeenPod | null {
  const { metadata, status } = podSchema.parse(object);
  const owner = metadata.ownerReferences?.find((one) => one.controller === true && one.kind === 'Job');
  // A Job that is deleted without its pods takes back that it owns them; its labels stay.
  const jobUid = owner?.uid ?? metadata.labels?.[jobUidLabel];
  if (jobUid === undefined) return null;
  const container =
    status?.containerStatuses?.find((one) => one.name === mainContainer) ?? status?.containerStatuses?.[0];
  const ended = endOf(container);
  const why = explain(status ?? {}, container);
  return {
    jobId: metadata.labels?.[jobIdLabel] ?? null,
    observation: {
      uid: metadata.uid,
      name: metadata.name,
      jobUid,
      jobName: jobNameOf(metadata.labels ?? {}),
      index: Number(metadata.annotations?.[indexAnnotation] ?? 0),
      phase: status?.phase ?? 'Pending',
      createdAt: metadata.creationTimestamp,
      startedAt: startOf(container),
      finishedAt: ended?.finishedAt ?? null,
      exitCode: ended?.exitCode ?? null,
      restarts: container?.restartCount ?? 0,
      reason: why.reason,
      message: why.message,
      terminationMessage: ended === undefined || isRuntimeError(ended) ? null : (ended.message ?? null),
      deletedAt: metadata.deletionTimestamp ?? null,
      orphaned: owner === undefined,
    },
  };
}

function jobNameOf(labels: Record<string, string>): string | null {
  return jobNameLabels.map((label) => labels[label]).find((name) => name !== undefined) ?? null;
}

/** How the latest run ended. A container that waits for its restart shows the run before; a running one none. */
function endOf(container: Container | undefined): Terminated | undefined {
  const waits = container?.state?.waiting ? container.lastState?.terminated : undefined;
  return container?.state?.terminated ?? waits ?? undefined;
}

function startOf(container: Container | undefined): string | null {
  const at =
    container?.state?.running?.startedAt ??
    container?.state?.terminated?.startedAt ??
    container?.lastState?.terminated?.startedAt ??
    null;
  // A command that could not be started is given the year 1970: it never ran.
  return at === null || at.startsWith('1970-') ? null : at;
}

/** Ends for which the container's message is the runtime's own, and not what the program left behind. */
function isRuntimeError({ reason }: Terminated): boolean {
  return reason === 'StartError' || reason === 'ContainerCannotRun' || reason === 'ContainerStatusUnknown';
}

type Why = { reason: string | null; message: string | null };

/** The most telling word first: the whole pod's, then the container's, then what keeps it from starting. */
function explain(status: PodStatus, container: Container | undefined): Why {
  if (status.reason) return { reason: status.reason, message: status.message ?? null };
  const ended = container?.state?.terminated;
  if (ended) {
    const disruption = status.phase === 'Failed' ? trueCondition(status, 'DisruptionTarget') : undefined;
    if (disruption && ended.reason !== 'OOMKilled')
      return { reason: 'Evicted', message: disruption.message ?? null };
    return { reason: ended.reason ?? null, message: isRuntimeError(ended) ? (ended.message ?? null) : null };
  }
  const waiting = container?.state?.waiting;
  const held = status.initContainerStatuses?.map(holdOf).find((hold) => hold !== undefined);
  if (held && (!waiting || waiting.reason === 'PodInitializing')) return held;
  if (waiting) return { reason: waiting.reason ?? null, message: waiting.message ?? null };
  const unscheduled = status.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  );
  return { reason: unscheduled?.reason ?? null, message: unscheduled?.message ?? null };
}

/** What an init container waits for or failed with. */
function holdOf({ state }: Container): Why | undefined {
  if (state?.waiting?.reason && state.waiting.reason !== 'PodInitializing') {
    return { reason: state.waiting.reason, message: state.waiting.message ?? null };
  }
  const ended = state?.terminated;
  if (!ended || ended.exitCode === 0) return undefined;
  return { reason: ended.reason ?? null, message: ended.message ?? null };
}

function trueCondition(status: PodStatus, type: string) {
  return status.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}
