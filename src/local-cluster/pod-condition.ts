import type { V1PodCondition } from '@kubernetes/client-node';
import type { Pod, Wire } from './objects.ts';
import { toTimestamp } from './api/times.ts';

export type PodCondition = Pick<
  Wire<V1PodCondition>,
  'type' | 'status' | 'reason' | 'message' | 'observedGeneration'
>;

/** The condition as it is to be stored: the time of its last change is kept when the status is the same. */
export function toStoredCondition(
  { type, status, reason, message, observedGeneration }: PodCondition,
  before: Wire<V1PodCondition>[] | undefined,
  now: Date,
): Wire<V1PodCondition> {
  const old = before?.find((condition) => condition.type === type);
  const lastTransitionTime =
    old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : toTimestamp(now);
  const condition = {
    type,
    observedGeneration,
    status,
    lastProbeTime: undefined,
    lastTransitionTime,
    reason,
    message,
  };
  // The API shows pods' conditions with a null here, which client-node's types do not know.
  return Object.assign(condition, { lastProbeTime: null });
}

/** Sets one condition in the pod's list, in place. */
export function setPodCondition(pod: Pod, condition: PodCondition, now: Date): void {
  const conditions = pod.status.conditions ?? [];
  const stored = toStoredCondition(condition, conditions, now);
  const index = conditions.findIndex(({ type }) => type === condition.type);
  if (index === -1) conditions.push(stored);
  else conditions[index] = stored;
  pod.status.conditions = conditions;
}
