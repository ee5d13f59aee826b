import type { Job, Pod } from '../objects.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import { parseIndexes, unionOf } from './index-ranges.ts';
import {
  isActive,
  isFailed,
  isIndexed,
  isReady,
  isSucceeded,
  isTerminating,
  isTracked,
  toCompletionIndex,
  toFailureCounts,
  toFinishTime,
} from './pod-state.ts';

/** A Job and its pods, sorted out: what every decision about the Job is made from. */
export type JobView = {
  job: Job;
  /** All that the Job owns; those of an Indexed Job by index. */
  pods: Pod[];
  now: Date;
  active: Pod[];
  ready: number;
  terminating: number;
  /** Counted ones, and those that have ended but are not counted yet. */
  succeeded: number;
  failed: number;
  indexes?: IndexView;
};

export type IndexView = {
  /** As completedIndexes has them, before what this turn adds to `succeeded`. */
  counted: ReadonlySet<number>;
  succeeded: ReadonlySet<number>;
  /** Only with backoffLimitPerIndex. */
  failed?: ReadonlySet<number>;
  /** The failed pod of each index that waits for its replacement, which takes over its failure count. */
  awaitingRetry: ReadonlyMap<number, Pod>;
};

export function toJobView(job: Job, unordered: Pod[], now: Date): JobView {
  const pods = orderPods(job, unordered);
  const { succeeded: uncountedSucceeded = [], failed: uncountedFailed = [] } =
    job.status.uncountedTerminatedPods ?? {};
  const known = new Set([...uncountedSucceeded, ...uncountedFailed]);
  const fresh = pods.filter((pod) => isCountable(pod, job) && !known.has(pod.metadata.uid));
  const newFailed = fresh.filter((pod) => isFailed(pod, job) && countsAsFailure(pod, job));
  const active = pods.filter(isActive);
  const indexes = isIndexed(job) ? toIndexView(job, pods, active) : undefined;
  return {
    job,
    pods,
    now,
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded:
      indexes?.succeeded.size ??
      (job.status.succeeded ?? 0) + uncountedSucceeded.length + fresh.filter(isSucceeded).length,
    failed: (job.status.failed ?? 0) + uncountedFailed.length + newFailed.length,
    ...(indexes ? { indexes } : {}),
  };
}

/** By index, so that completed indexes are counted in order. */
function orderPods(job: Job, pods: Pod[]): Pod[] {
  if (!isIndexed(job)) return pods;
  const places = new Map(pods.map((pod) => [pod, toCompletionIndex(pod, job) ?? -1]));
  return pods.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

/** The finalizer means that the pod is not in the Job's counters yet. */
const isCountable = (pod: Pod, job: Job): boolean =>
  isTracked(pod) && (!isIndexed(job) || toCompletionIndex(pod, job) !== undefined);

const countsAsFailure = (pod: Pod, job: Job): boolean =>
  matchFailurePolicy(job.spec.podFailurePolicy, pod).counts;

function toIndexView(job: Job, pods: Pod[], active: Pod[]): IndexView {
  const { completions = 0, backoffLimitPerIndex } = job.spec;
  const counted = parseIndexes(job.status.completedIndexes, completions);
  const countable = pods.filter((pod) => isCountable(pod, job));
  const succeeded = unionOf(counted, toIndexes(countable.filter(isSucceeded), job));
  if (backoffLimitPerIndex === undefined) return { counted, succeeded, awaitingRetry: new Map() };

  const newFailed = countable.filter((pod) => failsIndex(pod, job, backoffLimitPerIndex));
  const failed = unionOf(parseIndexes(job.status.failedIndexes, completions), toIndexes(newFailed, job));
  const settled = unionOf(succeeded, failed, toIndexes(active, job));
  const awaitingRetry = new Map<number, Pod>();
  for (const pod of countable.filter((candidate) => isFailed(candidate, job))) {
    const index = toCompletionIndex(pod, job);
    if (index === undefined || settled.has(index)) continue;
    const rival = awaitingRetry.get(index);
    if (!rival || isLaterAttempt(pod, rival)) awaitingRetry.set(index, pod);
  }
  return { counted, succeeded, failed, awaitingRetry };
}

export function toIndexes(pods: Pod[], job: Job): Set<number> {
  return new Set(pods.map((pod) => toCompletionIndex(pod, job)).filter((index) => index !== undefined));
}

/** Whether the pod's failure is the end of its index: by rule, or because its retries are used up. */
function failsIndex(pod: Pod, job: Job, limit: number): boolean {
  if (!isFailed(pod, job)) return false;
  const { action, counts } = matchFailurePolicy(job.spec.podFailurePolicy, pod);
  return action === 'FailIndex' || (counts && toFailureCounts(pod).counted >= limit);
}

function isLaterAttempt(pod: Pod, rival: Pod): boolean {
  return countAttempts(rival) <= countAttempts(pod) && toFinishTime(pod) >= toFinishTime(rival);
}

function countAttempts(pod: Pod): number {
  const { counted, ignored } = toFailureCounts(pod);
  return counted + ignored;
}
