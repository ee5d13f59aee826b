import { AppError } from '../core/app-error.ts';
import type { ReportRate } from '../handlers/status-report.ts';
import { createRate } from './rate.ts';

/** So many tasks of one job may speak as often as a task may. More at once is more than Kubernetes starts of one Job. */
const busyTasks = 20;
/** How many last words of one task are heard each minute, whatever it said before: pods that share a task end together. */
const lastWordsPerMinute = 60;

/**
 * Bounds what a job says, in all and for each of its tasks. How it ended is not lost because it has talked too much before: last words
 * that are too many for that have a small allowance of their own.
 */
export function createReportRate({ reportsPerMinute }: { reportsPerMinute: number }): ReportRate {
  const seconds = 60;
  const ofJob = createRate({ most: busyTasks * reportsPerMinute, seconds, what: 'reports of this job' });
  const ofTask = createRate({ most: reportsPerMinute, seconds, what: 'reports of this task' });
  const lastWords = createRate({ most: lastWordsPerMinute, seconds, what: 'last words of this task' });

  return async ({ jobId, task, isLastWord }) => {
    const key = `${jobId}/${task}`;
    try {
      await ofJob(jobId);
      await ofTask(key);
    } catch (refusal) {
      if (!isLastWord || !(refusal instanceof AppError)) throw refusal;
      await lastWords(key);
    }
  };
}
