import type { Job, Pod } from '../objects.ts';
import { isDeleting, isFailed, isSucceeded, isTracked, toFinishTime } from './pod-state.ts';
import type { Finish } from './retry-delay.ts';

/**
 * How the pods of each Job ended, as first seen, kept while the Job runs. Most of it could be read from the pods at any
 * time (and is, after a restart); the memory is for those that are deleted, whose failure delays a retry all the same.
 */
export function createFinishMemory() {
  const perJob = new Map<string, Map<string, Finish>>();

  function recall(job: Job, pods: Pod[]): Iterable<Finish> {
    const known = perJob.get(job.metadata.uid) ?? new Map<string, Finish>();
    perJob.set(job.metadata.uid, known);
    for (const pod of pods) {
      const failed = isFailed(pod, job);
      const ended = failed || isSucceeded(pod);
      // Deleted and in no counter: the controller itself took it away, which is no failure.
      const dismissed = isDeleting(pod) && !isTracked(pod);
      if (ended && !dismissed && !known.has(pod.metadata.uid)) {
        known.set(pod.metadata.uid, { at: toFinishTime(pod), failed });
      }
    }
    return known.values();
  }

  return { recall, forget: (jobUid: string) => void perJob.delete(jobUid) };
}
