import type { JobFacts, PodFact, PodObservation } from './facts.ts';

/** Its containers have run for the last time. One that has exited alone may be started again in the same pod. */
export function hasEnded({ phase }: Pick<PodObservation, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Nothing more is to come of it. One that was left behind by its Job stays in the cluster when it has ended: nobody removes it. */
export function hasLeft(pod: Pick<PodFact, 'gone' | 'orphaned' | 'phase'>): boolean {
  return pod.gone || (pod.orphaned && hasEnded(pod));
}

/** A container of it has started. */
export function hasRun({ startedAt, phase }: Pick<PodObservation, 'startedAt' | 'phase'>): boolean {
  return startedAt !== null || phase === 'Running' || phase === 'Succeeded';
}

/** How many runs of the container are over, in a pod that starts it again. */
export function countRunsOver({ restarts, reason }: Pick<PodObservation, 'restarts' | 'reason'>): number {
  return reason === 'CrashLoopBackOff' ? restarts + 1 : restarts;
}

export function hasFailedByItself({ phase, stopped }: Pick<PodFact, 'phase' | 'stopped'>): boolean {
  return phase === 'Failed' && !stopped;
}

export function hasSucceeded({ phase, stopped }: Pick<PodFact, 'phase' | 'stopped'>): boolean {
  return phase === 'Succeeded' && !stopped;
}

/** Of a complete Job: Kubernetes took the exit of a pod that was sent home for success, and stopped the one that worked. */
export function wasEndedByIdler({ pods }: Pick<JobFacts, 'pods'>): boolean {
  return pods.some((pod) => pod.idle) && !pods.some((pod) => hasSucceeded(pod) && !pod.idle);
}
