/** The states of a job, and the only table of what may follow what. Any step may be skipped, none goes back. */
export const nextStates = {
  QUEUED: ['CREATED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'],
  CREATED: ['RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
  LOST: [],
} as const satisfies Record<string, readonly string[]>;

export type JobState = keyof typeof nextStates;

export const jobStates = [
  'QUEUED',
  'CREATED',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'LOST',
] as const;

export function isFinal(state: JobState): boolean {
  return nextStates[state].length === 0;
}

export function mayFollow(from: JobState, to: JobState): boolean {
  const allowed: readonly JobState[] = nextStates[from];
  return allowed.includes(to);
}
