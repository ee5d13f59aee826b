import { finalizers, hasFinalizer } from '../finalizers.ts';
import type { Job, Pod } from '../objects.ts';
import { names } from './names.ts';

const isTerminal = (pod: Pod): boolean => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';

export const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !isDeleting(pod);

export const isTerminating = (pod: Pod): boolean => !isTerminal(pod) && isDeleting(pod);

export const isSucceeded = (pod: Pod): boolean => pod.status.phase === 'Succeeded';

export const isReady = (pod: Pod): boolean =>
  (pod.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');

export const isTracked = (pod: Pod): boolean => hasFinalizer(pod.metadata, finalizers.jobTracking);

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';

/** Whether a pod on its way out still counts as running, and is replaced only when it has ended. */
export const replacesOnlyFailed = (job: Job): boolean =>
  job.spec.podReplacementPolicy === 'Failed' || job.spec.podFailurePolicy !== undefined;

/** A deleted pod counts as failed at once, for it may never reach the phase; unless only failed ones are replaced. */
export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && isTerminating(pod);
}

/** The completion index, where the pod carries one that the Job has. */
export function toCompletionIndex(pod: Pod, job: Job): number | undefined {
  const written = pod.metadata.annotations?.[names.completionIndex];
  if (written === undefined || !/^\d+$/.test(written)) return undefined;
  const index = Number(written);
  return index < (job.spec.completions ?? 0) ? index : undefined;
}

/** Failures of the index before this pod, in all and those that counted. */
export function toFailureCounts(pod: Pod): { counted: number; ignored: number } {
  const annotations = pod.metadata.annotations ?? {};
  const read = (name: string) => Number.parseInt(annotations[name] ?? '0', 10) || 0;
  return { counted: read(names.indexFailureCount), ignored: read(names.indexIgnoredFailureCount) };
}

/**
 * When the pod ended, in ms: the last container's end, else when it stopped being ready, else when it was deleted,
 * else its creation.
 */
export function toFinishTime(pod: Pod): number {
  const ends = (pod.status.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ''),
  );
  if (ends.length > 0 && ends.every((end) => end > 0)) return Math.max(...ends);
  const unready = pod.status.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False');
  if (unready?.lastTransitionTime) return Date.parse(unready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined)
    return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp);
}

/** Orders pods so that those which are the least loss to delete come first: unbound, pending, unready, young. */
export function compareByLoss(a: Pod, b: Pod): number {
  const left = toWorth(a);
  const right = toWorth(b);
  const at = left.findIndex((rank, place) => rank !== right[place]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

const toWorth = (pod: Pod): number[] => [
  pod.spec.nodeName === undefined ? 0 : 1,
  pod.status.phase === 'Running' ? 1 : 0,
  isReady(pod) ? 1 : 0,
  -Date.parse(pod.metadata.creationTimestamp),
];
