import type { JobFacts } from './facts.ts';
import type { JobState } from './job-state.ts';

/** The span in which anything known of a job can have happened. */
export type Frame = { acceptedAt: string; now: string };

/** When the work began: a container's start, else the worker's first word; null where nothing is known to have run. */
export function toStartedAt(facts: JobFacts, state: JobState, frame: Frame): string | null {
  if (state === 'QUEUED' || state === 'CREATED') return null;
  const starts = facts.pods.flatMap((pod) => pod.startedAt ?? []);
  const known = [...starts.map((at) => refine(at, frame)), ...facts.reports.map((report) => report.at)];
  const first = known.toSorted()[0] ?? null;
  if (first !== null || (state !== 'RUNNING' && state !== 'SUCCEEDED')) return first;
  return state === 'RUNNING' ? frame.now : refine(facts.job?.startedAt ?? frame.now, frame);
}

/** When Kubernetes says it ended, since we may learn of it much later; else now. Never before its start or a word of its worker. */
export function toFinishedAt(facts: JobFacts, startedAt: string | null, frame: Frame): string {
  const verdict = facts.job?.conditions.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  const at = facts.job?.completedAt ?? verdict?.at ?? null;
  if (at === null) return frame.now;
  const before = [startedAt ?? frame.acceptedAt, ...facts.reports.map((report) => report.at)];
  return [refine(at, frame), ...before].toSorted().at(-1) ?? frame.now;
}

/**
 * Kubernetes writes whole seconds, so our own clock is the finer one for what has just happened; and no time may stand
 * before the job was accepted or lie in the future, or durations would turn negative.
 */
export function refine(at: string, { acceptedAt, now }: Frame): string {
  const time = Date.parse(at);
  if (Number.isNaN(time) || Math.abs(Date.parse(now) - time) < 2000 || time > Date.parse(now)) return now;
  return new Date(Math.max(time, Date.parse(acceptedAt))).toISOString();
}
