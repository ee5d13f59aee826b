import type { End, JobFacts, PodFact } from './facts.ts';
import type { JobState } from './job-state.ts';
import { hasFailedByItself, hasLeft, wasEndedByIdler } from './pod.ts';

/** Why a job waits or ended so: a word for programs and a sentence for people. */
export type Reason = { reason: string | null; explanation: string | null };

/** What the words of Kubernetes mean to somebody who only wanted a job done. */
const sentences: Record<string, string> = {
  ErrImagePull: 'The image could not be pulled',
  ImagePullBackOff: 'The image could not be pulled; Kubernetes tries again, ever more slowly',
  ErrImageNeverPull: 'The image is not on the node, and the pull policy forbids to fetch it',
  InvalidImageName: 'The name of the image is not valid',
  CreateContainerConfigError: 'The container cannot be made from this configuration',
  CreateContainerError: 'The container could not be made',
  CrashLoopBackOff: 'The container keeps ending; Kubernetes starts it again, ever more slowly',
  StartError: 'The command could not be started',
  Unschedulable: 'No node can take the pod',
  OOMKilled: 'The container used more memory than its limit and was killed',
  Evicted: 'The node evicted the pod',
  DeadlineExceeded: 'The job ran longer than its activeDeadlineSeconds',
  BackoffLimitExceeded: 'The job failed more often than its backoffLimit allows',
  PodFailurePolicy: "A rule of the job's podFailurePolicy ended it",
  FailedIndexes: 'At least one task failed for good',
  MaxFailedIndexesExceeded: 'More tasks failed than maxFailedIndexes allows',
  QuotaExceeded: "The namespace's quota is full; the job is created when there is room",
  FailedCreate: 'Kubernetes could not create the pod',
};

/** Waiting reasons that every healthy pod passes through: not worth a word. */
const passing = new Set(['ContainerCreating', 'PodInitializing']);

/** What befell a pod and says more than the verdict on its Job. */
const saysMore = new Set<string | null>(['OOMKilled', 'Evicted', 'StartError']);

export function explainWait(facts: JobFacts): Reason {
  if (facts.job?.gone === true && facts.pods.some((pod) => pod.orphaned && !hasLeft(pod))) return leftBehind;
  const stuck = facts.pods.find((pod) => !pod.gone && isStuck(pod));
  if (stuck !== undefined) return toReason(stuck.reason ?? 'Pending', stuck.message);
  return explainRefusal(facts) ?? nothing;
}

const leftBehind: Reason = {
  reason: 'LeftBehind',
  explanation:
    'Its Job was deleted without its pod. It ends when the pod does; to end it now, delete the pod.',
};

/** Once a pod was seen, an earlier refusal says nothing any more. */
function explainRefusal({ podRefusal, pods }: JobFacts): Reason | null {
  if (podRefusal === null || pods.length > 0) return null;
  const { reason, explanation } = toReason('FailedCreate', podRefusal);
  return { reason: isForWantOfQuota(podRefusal) ? 'QuotaExceeded' : reason, explanation };
}

/** Of a pod that the cluster refused: it passes by itself, when other pods end. The words are all that tells. */
export function isForWantOfQuota(podRefusal: string): boolean {
  return podRefusal.includes('exceeded quota');
}

/** What keeps a pod from starting, as a sentence; null where nothing does, or nothing worth a word. */
export function toHindrance(pod: Pick<PodFact, 'phase' | 'reason' | 'message'>): string | null {
  return isStuck(pod) ? toReason(pod.reason ?? '', pod.message).explanation : null;
}

/** It waits, and says why. */
export function isStuck({ phase, reason }: Pick<PodFact, 'phase' | 'reason'>): boolean {
  return phase === 'Pending' && isTelling(reason);
}

/** The most telling word: what befell the last pod where it says more than Kubernetes' verdict on the whole Job. */
export function explainEnd(facts: JobFacts, end: End, state: JobState): Reason {
  if (facts.dispatch?.kind === 'refused') return toReason(facts.dispatch.reason, facts.dispatch.message);
  if (state === 'CANCELLED') return { reason: 'Cancelled', explanation: 'It was cancelled on request.' };
  if (facts.cancel?.cause === 'StartDeadline' && end !== 'Failed') return startDeadline(facts);
  if (state === 'LOST' && facts.dispatch?.kind === 'unknown') {
    return { reason: 'OutcomeUnknown', explanation: facts.dispatch.message };
  }
  if (state === 'LOST') {
    return {
      reason: 'OutcomeUnknown',
      explanation: 'The Job left the cluster before anyone saw how it ended.',
    };
  }
  const pod = culprit(facts);
  if (end === 'Failed') return explainFailure(facts, pod);
  if (end === 'Complete' && wasEndedByIdler(facts))
    return { reason: 'StartedTwice', explanation: startedTwice };
  return { reason: 'Error', explanation: `The worker reported ERROR${pod === null ? '' : exitOf(pod)}.` };
}

const startedTwice =
  'Kubernetes started two pods for this task, and took the exit of the idle one for success before the other had done its work.';

function explainFailure(facts: JobFacts, pod: PodFact | null): Reason {
  const verdict = facts.job?.conditions.find(
    (condition) => condition.type === 'Failed' && condition.status === 'True',
  );
  const word = verdict?.reason ?? 'Failed';
  if (pod !== null && saysMore.has(pod.reason)) return toReason(pod.reason ?? word, pod.message);
  const hindrance = word === 'DeadlineExceeded' ? hindranceOf(facts, pod) : null;
  if (hindrance !== null) {
    return {
      reason: word,
      explanation: `The job never started within its activeDeadlineSeconds. ${hindrance}`,
    };
  }
  const exit = pod === null ? '' : exitOf(pod);
  if (exit === '') return toReason(word, verdict?.message ?? null);
  return { reason: word, explanation: `${sentences[word] ?? word}${exit}.` };
}

function startDeadline(facts: JobFacts): Reason {
  const waiting = facts.pods.filter((pod) => pod.waitedFor !== null);
  const hindrance = hindranceOf(facts, lastPod(waiting) ?? lastPod(facts.pods));
  const cause = hindrance === null ? '' : ` ${hindrance}`;
  return { reason: 'StartDeadline', explanation: `The job did not start in time and was removed.${cause}` };
}

/** What kept the pod from starting, or from being made. */
function hindranceOf(facts: JobFacts, pod: PodFact | null): string | null {
  if (pod === null) return explainRefusal(facts)?.explanation ?? null;
  return pod.startedAt === null ? pod.waitedFor : null;
}

const nothing: Reason = { reason: null, explanation: null };

function isTelling(reason: string | null): boolean {
  return reason !== null && !passing.has(reason);
}

function toReason(word: string, message: string | null): Reason {
  const sentence = sentences[word] ?? word;
  return {
    reason: word,
    explanation: message === null || message === '' ? `${sentence}.` : `${sentence}: ${message}`,
  };
}

/** How the work itself ended: a pod that was told to stop says nothing about that. */
function exitOf({ exitCode, stopped }: PodFact): string {
  return exitCode === null || exitCode === 0 || stopped
    ? ''
    : `; the last container exited with code ${exitCode}`;
}

/** Siblings that succeeded, or were stopped because of it, are not what the job failed of. */
function culprit(facts: JobFacts): PodFact | null {
  return lastPod(facts.pods.filter(hasFailedByItself)) ?? lastPod(facts.pods);
}

function lastPod(pods: readonly PodFact[]): PodFact | null {
  return pods.reduce<PodFact | null>((last, pod) => (last === null || isLater(pod, last) ? pod : last), null);
}

/** Kubernetes' times are whole seconds; between equals the uid decides, so that the order of arrival does not. */
function isLater(a: PodFact, b: PodFact): boolean {
  return a.createdAt === b.createdAt ? a.uid > b.uid : a.createdAt > b.createdAt;
}
