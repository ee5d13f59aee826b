import type { Pod } from '../objects.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import { unionOf } from './index-ranges.ts';
import { toIndexes } from './job-view.ts';
import type { IndexView, JobView } from './job-view.ts';
import {
  compareByLoss,
  isTerminating,
  replacesOnlyFailed,
  toCompletionIndex,
  toFailureCounts,
  toFinishTime,
} from './pod-state.ts';
import type { Backoff, Finish } from './retry-delay.ts';
import { countFailures, remainingDelay } from './retry-delay.ts';

/** A pod to be made. `failures` (those of the index so far) only with backoffLimitPerIndex. */
export type PodSeed = { index?: number; failures?: { counted: number; ignored: number } };

/** Either pods go or pods come in one turn, never both. */
export type PodPlan = { remove: Pod[]; create: PodSeed[]; wakeInMs?: number };

/** What slows the making of pods down. */
export type Pace = {
  /** How pods of the Job ended so far, those that are gone included. */
  finishes: Iterable<Finish>;
  backoff: Backoff;
  /** No pod is made for so long, since the last one was refused. */
  holdMs: number;
};

const perTurn = 500;

/** Brings a running Job to the number of pods it should have: now, or when the retry delay is over. */
export function decidePods(view: JobView, { finishes, backoff, holdMs }: Pace): PodPlan {
  const { job, active, now } = view;
  if (job.spec.suspend) return { remove: active, create: [] };
  const wanted = countWanted(view);
  const remove = chooseSurplus(view, active.length - wanted);
  if (remove.length > 0) return { remove: remove.slice(0, perTurn), create: [] };

  const held = replacesOnlyFailed(job) ? view.terminating : 0;
  const missing = Math.min(wanted - held - active.length, perTurn);
  if (missing <= 0) return { remove: [], create: [] };
  if (holdMs > 0) return { remove: [], create: [], wakeInMs: holdMs };
  if (view.indexes && job.spec.backoffLimitPerIndex !== undefined) {
    return planRetriesPerIndex(view, pendingIndexes(view, view.indexes, missing), backoff);
  }
  const wakeInMs = remainingDelay(countFailures(finishes), backoff, now);
  if (wakeInMs > 0) return { remove: [], create: [], wakeInMs };
  const create = view.indexes
    ? pendingIndexes(view, view.indexes, missing).map((index) => ({ index }))
    : Array.from({ length: missing }, () => ({}));
  return { remove: [], create };
}

/** A work queue keeps what runs once a pod has succeeded; else no more pods than completions are left to reach. */
function countWanted({ job, active, succeeded }: JobView): number {
  const { parallelism = 1, completions } = job.spec;
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** Pods of indexes that the Job does not have (any more), second pods of one index, then whichever is the least loss. */
function chooseSurplus({ job, active, indexes }: JobView, count: number): Pod[] {
  const byLoss = active.toReversed().toSorted(compareByLoss);
  if (!indexes) return byLoss.slice(0, Math.max(0, count));
  const kept = new Set<number>();
  const misplaced = new Set<Pod>();
  for (const pod of byLoss.toReversed()) {
    const index = toCompletionIndex(pod, job);
    if (index === undefined || kept.has(index)) misplaced.add(pod);
    else kept.add(index);
  }
  const others = byLoss.filter((pod) => !misplaced.has(pod));
  return [...misplaced, ...others.slice(0, Math.max(0, count - misplaced.size))];
}

/** The lowest indexes with nothing running and no end. */
function pendingIndexes(
  { job, pods, active }: JobView,
  { succeeded, failed }: IndexView,
  count: number,
): number[] {
  const busy = replacesOnlyFailed(job) ? [...active, ...pods.filter(isTerminating)] : active;
  const taken = unionOf(succeeded, failed, toIndexes(busy, job));
  const pending: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && pending.length < count; index += 1) {
    if (!taken.has(index)) pending.push(index);
  }
  return pending;
}

function planRetriesPerIndex(view: JobView, pending: number[], backoff: Backoff): PodPlan {
  const create: PodSeed[] = [];
  const waits: number[] = [];
  for (const index of pending) {
    const before = view.indexes?.awaitingRetry.get(index);
    const wait = before ? remainingIndexDelay(before, backoff, view.now) : 0;
    if (wait > 0) waits.push(wait);
    else create.push({ index, failures: countFailuresWith(view, before) });
  }
  return { remove: [], create, ...(waits.length > 0 ? { wakeInMs: Math.min(...waits) } : {}) };
}

function remainingIndexDelay(before: Pod, backoff: Backoff, now: Date): number {
  const { counted, ignored } = toFailureCounts(before);
  return remainingDelay({ count: counted + ignored + 1, lastAt: toFinishTime(before) }, backoff, now);
}

function countFailuresWith({ job }: JobView, before: Pod | undefined): { counted: number; ignored: number } {
  if (!before) return { counted: 0, ignored: 0 };
  const { counted, ignored } = toFailureCounts(before);
  const { counts } = matchFailurePolicy(job.spec.podFailurePolicy, before);
  return counts ? { counted: counted + 1, ignored } : { counted, ignored: ignored + 1 };
}
