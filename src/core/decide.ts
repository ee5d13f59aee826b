import { explainEnd, explainWait } from './explain.ts';
import type { Reason } from './explain.ts';
import type { End, JobFacts, ReportFact } from './facts.ts';
import type { JobState } from './job-state.ts';
import { hasEnded, hasLeft, hasRun, hasSucceeded, wasEndedByIdler } from './pod.ts';
import { ERROR, SUCCESS } from './report.ts';

export type Decision = {
  state: JobState;
  reason: string | null;
  explanation: string | null;
  /** A sentence where the worker's word and Kubernetes' word differ. */
  discrepancy: string | null;
};

/**
 * The state of a job as a function of facts. Pure, and blind to the order in which the facts came: every permutation of
 * those that arrive before the end gives the same end.
 */
export function decide(facts: JobFacts): Decision {
  const end = endOf(facts);
  if (end === null) return { state: stateOnTheWay(facts), ...explainWait(facts), discrepancy: null };
  const state = finalState(facts, end);
  const why: Reason =
    state === 'SUCCEEDED' ? { reason: null, explanation: null } : explainEnd(facts, end, state);
  return { state, ...why, discrepancy: discrepancyOf(facts, end, state) };
}

function stateOnTheWay(facts: JobFacts): JobState {
  if (facts.reports.length > 0 || facts.pods.some(hasRun)) return 'RUNNING';
  return facts.job !== null || facts.dispatch?.kind === 'created' ? 'CREATED' : 'QUEUED';
}

function endOf(facts: JobFacts): End | null {
  if (facts.dispatch?.kind === 'refused') return 'Refused';
  if (facts.dispatch?.kind === 'unknown') return 'OutcomeUnknown';
  if (facts.cancel !== null && !facts.claimed) return 'NeverDispatched';
  if (facts.job === null) return null;
  if (hasCondition(facts, 'Failed')) return 'Failed';
  if (hasCondition(facts, 'Complete')) return isExitStillOpen(facts) ? null : 'Complete';
  if (!facts.job.gone || !facts.pods.every(hasLeft)) return null;
  return facts.pods.filter(hasSucceeded).length >= facts.completions ? 'Complete' : 'Gone';
}

/**
 * The Job's end can overtake its pod's (two watches). Where a pod reported ERROR, or did no work, the end is settled by how the pods
 * exited, so it waits until they are seen to have ended, or have left the cluster; for pods that nobody has seen yet, until the Job
 * has left, which its TTL bounds.
 */
function isExitStillOpen(facts: JobFacts): boolean {
  if (facts.completions > 1 || facts.job?.gone === true || reported(facts, SUCCESS)) return false;
  if (!reported(facts, ERROR) && !facts.pods.some((pod) => pod.idle)) return false;
  return facts.pods.length === 0 || facts.pods.some((pod) => !pod.gone && !hasEnded(pod));
}

function finalState(facts: JobFacts, end: End): JobState {
  if (end === 'Refused') return 'FAILED';
  const listens = facts.completions === 1;
  if (listens && reported(facts, SUCCESS)) return 'SUCCEEDED';
  if (end === 'Complete') {
    return listens && (isErrorByTheOnlyRun(facts) || wasEndedByIdler(facts)) ? 'FAILED' : 'SUCCEEDED';
  }
  if (facts.cancel !== null) return facts.cancel.cause === 'User' ? 'CANCELLED' : 'FAILED';
  if (end === 'Failed' || (listens && reported(facts, ERROR))) return 'FAILED';
  return 'LOST';
}

/** The pod that reported ERROR is the one that then exited 0, and nothing was retried. */
function isErrorByTheOnlyRun(facts: JobFacts): boolean {
  const pod = facts.pods[0];
  if (pod === undefined || wasRetried(facts)) return false;
  const sameRun = facts.reports.some(
    (report) =>
      report.terminal === ERROR &&
      isHeard(facts, report) &&
      (report.podUid === null || report.podUid === pod.uid),
  );
  return sameRun && (pod.exitCode === 0 || pod.phase === 'Succeeded');
}

function wasRetried({ job, pods }: JobFacts): boolean {
  return pods.length > 1 || (job?.failed ?? 0) > 0 || pods.some((pod) => pod.restarts > 0);
}

function discrepancyOf(facts: JobFacts, end: End, state: JobState): string | null {
  if (facts.completions > 1) return null;
  if (reported(facts, SUCCESS) && end === 'Failed') {
    const reason = conditionOf(facts, 'Failed')?.reason ?? 'Failed';
    return `The worker reported SUCCESS, but Kubernetes says that the Job failed (${reason}).`;
  }
  if (reported(facts, SUCCESS) && facts.cancel !== null && end === 'Gone') {
    return 'The worker reported SUCCESS, though the job was asked to stop.';
  }
  // An ERROR that was followed by another try, or by SUCCESS, was not the last word.
  if (end === 'Complete' && reported(facts, ERROR) && !reported(facts, SUCCESS) && !wasRetried(facts)) {
    return state === 'FAILED'
      ? 'The worker reported ERROR, but its container exited with code 0.'
      : 'The worker reported ERROR, but Kubernetes says that the Job is complete.';
  }
  return null;
}

function reported(facts: JobFacts, terminal: typeof SUCCESS | typeof ERROR): boolean {
  return facts.reports.some((report) => report.terminal === terminal && isHeard(facts, report));
}

/**
 * A termination message speaks for a pod whose every report was lost. Once there is a terminal report that is the pod's own, or may be,
 * the message counts for nothing, whichever of the two came first.
 */
function isHeard({ reports }: JobFacts, { source, podUid }: ReportFact): boolean {
  if (source === 'report') return true;
  return !reports.some(
    (other) =>
      other.source === 'report' &&
      other.terminal !== null &&
      (other.podUid === null || other.podUid === podUid),
  );
}

function hasCondition(facts: JobFacts, type: string): boolean {
  return conditionOf(facts, type) !== undefined;
}

function conditionOf(facts: JobFacts, type: string) {
  return facts.job?.conditions.find((condition) => condition.type === type && condition.status === 'True');
}
