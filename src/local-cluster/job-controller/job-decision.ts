import { toTimestamp } from '../api/times.ts';
import type { Job, Pod } from '../objects.ts';
import type { Accounts } from './accounting.ts';
import { decideAccounts } from './accounting.ts';
import type { Condition, Outcome } from './conditions.ts';
import { findCondition, withCondition } from './conditions.ts';
import type { JobView } from './job-view.ts';
import { toJobView } from './job-view.ts';
import { decideCompletion, decideOutcome, remainingDeadline } from './outcome.ts';
import type { Pace, PodPlan, PodSeed } from './pod-plan.ts';
import { decidePods } from './pod-plan.ts';
import { isReady } from './pod-state.ts';

export type JobNote = { type: 'Normal' | 'Warning'; reason: string; message: string };

/** Everything that one turn does to a Job, in this order. */
export type JobDecision = {
  /** `releaseFirst`: the finalizer goes before the pod, which then is not counted as failed. */
  remove: { pods: Pod[]; releaseFirst: boolean };
  create: PodSeed[];
  accounts: Accounts;
  notes: JobNote[];
  wakeInMs?: number;
};

export type JobFacts = {
  job: Job;
  pods: Pod[];
  now: Date;
  pace: Pace;
};

/** The Job controller's judgement on an unfinished Job. Pure: the clock comes with the facts. */
export function decideJob({ job, pods, now, pace }: JobFacts): JobDecision {
  const view = toJobView(withStartTime(job, now), pods, now);
  const outcome = decideOutcome(view);
  return outcome ? decideEnd(view, outcome) : decideNextStep(view, pace);
}

function withStartTime(job: Job, now: Date): Job {
  if (job.spec.suspend || job.status.startTime !== undefined) return job;
  return { ...job, status: { ...job.status, startTime: toTimestamp(now) } };
}

/** Stops what runs. On failure these pods count as failed; after a success they do not. */
function decideEnd(view: JobView, outcome: Outcome): JobDecision {
  const { job, active } = view;
  const accounts = decideAccounts(view, {
    outcome,
    active: 0,
    ready: 0,
    terminating: view.terminating + active.length,
    conditions: job.status.conditions ?? [],
    startTime: job.status.startTime,
    uncounted: [],
  });
  return {
    remove: { pods: active, releaseFirst: false },
    create: [],
    accounts,
    notes: accounts.ended ? [toEndNote(outcome)] : [],
  };
}

function decideNextStep(view: JobView, pace: Pace): JobDecision {
  const { job, now } = view;
  const managed = job.metadata.deletionTimestamp === undefined;
  const {
    remove,
    create,
    wakeInMs: retryInMs,
  }: PodPlan = managed ? decidePods(view, pace) : { remove: [], create: [] };
  const active = view.active.length - remove.length + create.length;
  const outcome = decideCompletion(view, active);
  const suspension = managed && !outcome ? decideSuspension(job, now) : undefined;
  const startTime = suspension ? suspension.startTime : job.status.startTime;
  const accounts = decideAccounts(view, {
    outcome,
    active,
    ready: view.ready - remove.filter(isReady).length,
    terminating: view.terminating + remove.length,
    conditions: suspension?.conditions ?? job.status.conditions ?? [],
    startTime,
    uncounted: remove,
  });
  const waits = [retryInMs, remainingDeadline({ ...job, status: { ...job.status, startTime } }, now)];
  const wakeInMs = Math.min(...waits.filter((wait) => wait !== undefined));
  const notes = [
    ...(suspension ? [suspension.note] : []),
    ...(outcome && accounts.ended ? [toEndNote(outcome)] : []),
  ];
  return {
    remove: { pods: remove, releaseFirst: true },
    create,
    accounts,
    notes,
    ...(Number.isFinite(wakeInMs) ? { wakeInMs } : {}),
  };
}

type Suspension = { conditions: Condition[]; startTime: string | undefined; note: JobNote };

/** The Suspended condition, where it turns. A resumed Job starts anew: its deadline runs from then on. */
function decideSuspension(job: Job, now: Date): Suspension | undefined {
  const conditions = job.status.conditions ?? [];
  const suspended = job.spec.suspend === true;
  if (suspended === (findCondition(conditions, 'Suspended')?.status === 'True')) return undefined;
  const [status, verb] = suspended ? (['True', 'suspended'] as const) : (['False', 'resumed'] as const);
  const [reason, message] = [suspended ? 'Suspended' : 'Resumed', `Job ${verb}`];
  return {
    conditions: withCondition(
      conditions,
      { type: 'Suspended', status, reason: `Job${reason}`, message },
      now,
    ),
    startTime: suspended ? undefined : toTimestamp(now),
    note: { type: 'Normal', reason, message },
  };
}

const toEndNote = ({ result, reason, message }: Outcome): JobNote =>
  result === 'success'
    ? { type: 'Normal', reason: 'Completed', message: 'Job completed' }
    : { type: 'Warning', reason, message };
