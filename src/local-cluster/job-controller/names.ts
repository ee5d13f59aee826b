/** The words of batch/v1 that Jobs and their pods carry. */
export const names = {
  component: 'job-controller',
  managedBy: 'kubernetes.io/job-controller',
  completionIndex: 'batch.kubernetes.io/job-completion-index',
  indexFailureCount: 'batch.kubernetes.io/job-index-failure-count',
  indexIgnoredFailureCount: 'batch.kubernetes.io/job-index-ignored-failure-count',
  completionIndexVariable: 'JOB_COMPLETION_INDEX',
} as const;
