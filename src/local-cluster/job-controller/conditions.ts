import { toTimestamp } from '../api/times.ts';
import type { Job } from '../objects.ts';

export type Condition = NonNullable<Job['status']['conditions']>[number];

/** Why a Job ends: the reason and message that both its interim and its final condition carry. */
export type Outcome = { result: 'success' | 'failure'; reason: string; message: string };

export const interimTypes = { success: 'SuccessCriteriaMet', failure: 'FailureTarget' } as const;
export const finalTypes = { success: 'Complete', failure: 'Failed' } as const;

export function findCondition(conditions: Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

const hasCondition = (job: Job, type: string): boolean =>
  findCondition(job.status.conditions, type)?.status === 'True';

export const isFinished = (job: Job): boolean =>
  Object.values(finalTypes).some((type) => hasCondition(job, type));

/** When the Job got its final condition, in ms. */
export function findFinishTime(job: Job): number | undefined {
  const final = job.status.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return final?.lastTransitionTime === undefined ? undefined : Date.parse(final.lastTransitionTime);
}

/** The outcome that an earlier turn has written down as interim condition. */
export function findOutcome(job: Job): Outcome | undefined {
  for (const result of ['success', 'failure'] as const) {
    const interim = findCondition(job.status.conditions, interimTypes[result]);
    if (interim?.status === 'True')
      return { result, reason: interim.reason ?? '', message: interim.message ?? '' };
  }
  return undefined;
}

type NewCondition = { type: string; status?: 'True' | 'False'; reason: string; message: string };

/**
 * The list with the condition in it: changed in its place, or added at the end. The same list when it says so already;
 * a condition that is False is never added.
 */
export function withCondition(conditions: Condition[], wanted: NewCondition, now: Date): Condition[] {
  const { type, status = 'True', reason, message } = wanted;
  const at = toTimestamp(now);
  const made = { type, status, lastProbeTime: at, lastTransitionTime: at, reason, message };
  const old = findCondition(conditions, type);
  if (!old) return status === 'False' ? conditions : [...conditions, made];
  if (old.status === status && old.reason === reason && old.message === message) return conditions;
  return conditions.map((condition) => (condition === old ? made : condition));
}
