import type { Job } from '../objects.ts';
import { findFinishTime } from './conditions.ts';

/** How long a finished Job stays, in ms; undefined when it stays for good, or is going already. */
export function remainingTtl(job: Job, now: Date): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  const finishedAt = findFinishTime(job);
  if (ttlSecondsAfterFinished === undefined || finishedAt === undefined) return undefined;
  if (job.metadata.deletionTimestamp !== undefined) return undefined;
  return Math.max(0, finishedAt + ttlSecondsAfterFinished * 1000 - now.getTime());
}
