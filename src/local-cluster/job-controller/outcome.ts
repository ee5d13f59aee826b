import type { Job, Pod } from '../objects.ts';
import type { Outcome } from './conditions.ts';
import { findOutcome } from './conditions.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import type { JobView } from './job-view.ts';
import { isFailed } from './pod-state.ts';
import { matchSuccessPolicy } from './success-policy.ts';

/** Whether the Job ends whatever its running pods do. What was written down once is never judged again. */
export function decideOutcome(view: JobView): Outcome | undefined {
  const { job } = view;
  return (
    findOutcome(job) ??
    fail('PodFailurePolicy', findJobFailure(view)) ??
    fail(
      'BackoffLimitExceeded',
      exceedsBackoffLimit(view) && 'Job has reached the specified backoff limit',
    ) ??
    fail('DeadlineExceeded', isPastDeadline(view) && 'Job was active longer than specified deadline') ??
    decideByIndexes(view)
  );
}

/** Success by count, for a Job that goes on; `running` is how many pods are active once this turn is done. */
export function decideCompletion({ job, succeeded }: JobView, running: number): Outcome | undefined {
  const { completions } = job.spec;
  const complete = completions === undefined ? succeeded > 0 && running === 0 : succeeded >= completions;
  if (!complete) return undefined;
  return {
    result: 'success',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  };
}

/** What is left of activeDeadlineSeconds, in ms; undefined while no deadline runs. */
export function remainingDeadline(job: Job, now: Date): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  const { startTime } = job.status;
  if (activeDeadlineSeconds === undefined || startTime === undefined || suspend) return undefined;
  return Math.max(0, Date.parse(startTime) + activeDeadlineSeconds * 1000 - now.getTime());
}

const isPastDeadline = ({ job, now }: JobView): boolean => remainingDeadline(job, now) === 0;

const fail = (reason: string, message: string | false | undefined): Outcome | undefined =>
  message ? { result: 'failure', reason, message } : undefined;

function findJobFailure({ job, pods }: JobView): string | undefined {
  const policy = job.spec.podFailurePolicy;
  if (!policy) return undefined;
  for (const pod of pods) {
    const failure = isFailed(pod, job) ? matchFailurePolicy(policy, pod).failure : undefined;
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** With restartPolicy OnFailure the restarts inside running pods count, too. */
function exceedsBackoffLimit({ job, pods, failed }: JobView): boolean {
  const { backoffLimit = 6, template } = job.spec;
  if (failed > backoffLimit) return true;
  if (template.spec?.restartPolicy !== 'OnFailure') return false;
  const unfinished = pods.filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending');
  const restarts = unfinished.reduce((sum, pod) => sum + countRestarts(pod), 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

function countRestarts({ status: { initContainerStatuses = [], containerStatuses = [] } }: Pod): number {
  return [...initContainerStatuses, ...containerStatuses].reduce(
    (sum, { restartCount }) => sum + restartCount,
    0,
  );
}

function decideByIndexes({ job, indexes }: JobView): Outcome | undefined {
  if (!indexes) return undefined;
  const { maxFailedIndexes, completions = 0 } = job.spec;
  const failed = indexes.failed?.size ?? 0;
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes)
    return fail(
      'MaxFailedIndexesExceeded',
      'Job has exceeded the specified maximal number of failed indexes',
    );
  if (failed > 0 && failed + indexes.succeeded.size >= completions)
    return fail('FailedIndexes', 'Job has failed indexes');
  const message = matchSuccessPolicy(job, indexes.succeeded);
  return message === undefined ? undefined : { result: 'success', reason: 'SuccessPolicy', message };
}
