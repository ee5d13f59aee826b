import { z } from 'zod';
import type { TerminalStatus } from './report.ts';

/** RFC 3339, as Kubernetes and our own clock write it. */
const time = z.string();

/** What one look at a Kubernetes Job told: the slim projection that is kept. */
export const jobObservationSchema = z.object({
  uid: z.string(),
  name: z.string(),
  namespace: z.string(),
  createdAt: time,
  deletedAt: time.nullable().describe('deletionTimestamp: on its way out'),
  startedAt: time.nullable(),
  completedAt: time.nullable(),
  active: z.int(),
  ready: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  conditions: z.array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: z.string().nullable(),
      message: z.string().nullable(),
      at: time.nullable(),
    }),
  ),
});
export type JobObservation = z.output<typeof jobObservationSchema>;

/** What one look at a pod of a Job told. Of several containers the first is meant. */
export const podObservationSchema = z.object({
  uid: z.string(),
  name: z.string(),
  jobUid: z.string().describe('uid of the owning Kubernetes Job'),
  jobName: z
    .string()
    .nullable()
    .default(null)
    .describe('Its name, which Kubernetes cuts in the names of pods'),
  index: z.int().describe('Completion index; 0 for a NonIndexed job'),
  phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']),
  createdAt: time,
  startedAt: time.nullable().describe('When the container started, in its latest run'),
  finishedAt: time.nullable(),
  exitCode: z.int().nullable(),
  restarts: z.int(),
  reason: z
    .string()
    .nullable()
    .describe('Why it ended or waits: OOMKilled, Error, Evicted, ImagePullBackOff, Unschedulable, ...'),
  message: z.string().nullable(),
  terminationMessage: z.string().nullable(),
  deletedAt: time.nullable(),
  orphaned: z.boolean().default(false).describe('Its Job was deleted, and left it to run on'),
});
export type PodObservation = z.output<typeof podObservationSchema>;

/** A pod as the store knows it: the last look, and what the looks before it add. */
export type PodFact = PodObservation & {
  /** It has left the cluster. */
  gone: boolean;
  /** It was seen to be deleted while it still ran: exit code 0 on SIGTERM is no success, as for Kubernetes itself. */
  stopped: boolean;
  /** Kubernetes started it although another pod held the task: it was sent home, and did no work. */
  idle: boolean;
  /** What was last seen to keep it from starting, as a sentence; a kubelet writes over it when the pod is removed. */
  waitedFor: string | null;
};

export type ReportFact = {
  at: string;
  status: string;
  terminal: TerminalStatus | null;
  task: number;
  podUid: string | null;
  /** `message`: nobody sent it; it stood in the termination message of its pod. */
  source: 'report' | 'message';
};

/** How the create was settled: `refused` by the API server for good, or `unknown` for ever. */
export type DispatchOutcome =
  | { kind: 'created' }
  | { kind: 'refused'; reason: string; message: string }
  | { kind: 'unknown'; message: string };

export type CancelFact = { at: string; cause: 'User' | 'StartDeadline' };

/** Everything that is known of a job: the only input of `decide`, whatever the order in which it came. */
export type JobFacts = {
  completions: number;
  claimed: boolean;
  dispatch: DispatchOutcome | null;
  job: (JobObservation & { gone: boolean }) | null;
  pods: readonly PodFact[];
  /** Why Kubernetes could make no pod, in its own words; the latest, and true only as long as no pod was seen. */
  podRefusal: string | null;
  reports: readonly ReportFact[];
  cancel: CancelFact | null;
};

/** How a job came to its end, before anyone asks what the worker said of it. */
export type End = 'Complete' | 'Failed' | 'Gone' | 'Refused' | 'OutcomeUnknown' | 'NeverDispatched';
