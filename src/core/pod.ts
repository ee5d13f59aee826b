import type { PodFact, PodObservation } from './facts.ts';

/** Its containers have run for the last time. One that has exited alone may be started again in the same pod. */
export function hasEnded({ phase }: Pick<PodObservation, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** A container of it has started. */
export function hasRun({ startedAt, phase }: Pick<PodObservation, 'startedAt' | 'phase'>): boolean {
  return startedAt !== null || phase === 'Running' || phase === 'Succeeded';
}

export function hasFailedByItself({ phase, stopped }: PodFact): boolean {
  return phase === 'Failed' && !stopped;
}

export function hasSucceeded({ phase, stopped }: PodFact): boolean {
  return phase === 'Succeeded' && !stopped;
}
