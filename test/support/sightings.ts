import type { JobObservation, PodObservation } from '../../src/core/facts.ts';

/** What the cluster may show of one Job and its pods; each builder gives a healthy default that a test then bends. */

const at = '2026-01-01T10:00:00Z';

export function seenJob(changes: Partial<JobObservation> = {}): JobObservation {
  return {
    uid: 'job-uid',
    name: 'report-bcdfghjklm',
    namespace: 'jobs',
    createdAt: at,
    deletedAt: null,
    startedAt: at,
    completedAt: null,
    active: 1,
    ready: 0,
    succeeded: 0,
    failed: 0,
    conditions: [],
    ...changes,
  };
}

export function completeJob(changes: Partial<JobObservation> = {}): JobObservation {
  const conditions = [
    {
      type: 'Complete',
      status: 'True',
      reason: 'CompletionsReached',
      message: null,
      at: '2026-01-01T10:00:09Z',
    },
  ];
  return seenJob({ active: 0, succeeded: 1, completedAt: '2026-01-01T10:00:09Z', conditions, ...changes });
}

export function failedJob(
  reason = 'BackoffLimitExceeded',
  changes: Partial<JobObservation> = {},
): JobObservation {
  const message = 'Job has reached the specified backoff limit';
  const conditions = [{ type: 'Failed', status: 'True', reason, message, at: '2026-01-01T10:00:09Z' }];
  return seenJob({ active: 0, failed: 1, conditions, ...changes });
}

export function seenPod(changes: Partial<PodObservation> = {}): PodObservation {
  return {
    uid: 'pod-uid',
    name: 'report-bcdfghjklm-x7k2p',
    jobUid: 'job-uid',
    jobName: 'report-bcdfghjklm',
    index: 0,
    phase: 'Pending',
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    restarts: 0,
    reason: null,
    message: null,
    terminationMessage: null,
    deletedAt: null,
    orphaned: false,
    ...changes,
  };
}

export function runningPod(changes: Partial<PodObservation> = {}): PodObservation {
  return seenPod({ phase: 'Running', startedAt: '2026-01-01T10:00:02Z', ...changes });
}

export function exitedPod(exitCode: number, changes: Partial<PodObservation> = {}): PodObservation {
  return runningPod({
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    exitCode,
    finishedAt: '2026-01-01T10:00:08Z',
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...changes,
  });
}
