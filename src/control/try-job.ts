import { setTimeout as delay } from 'node:timers/promises';
import { commandLine } from '../core/access.ts';
import { finding } from '../core/cluster-report.ts';
import type { Finding } from '../core/cluster-report.ts';
import type { JobSummary } from '../core/job.ts';
import { jobRequestSchema } from '../core/job-request.ts';
import { isFinal } from '../core/job-state.ts';
import { tryRequest } from '../core/try-request.ts';
import type { Store } from '../store/store.ts';
import type { Intake } from './intake.ts';

const asked = 'A job to try it';
const lookEveryMs = 200;

/**
 * Submits one short job to the service that runs on the same database, and waits for its report: the whole way, from the queue through
 * the cluster and back. The service notices the row within a second. What has not ended in time is cancelled.
 */
export async function tryJob({
  intake,
  store,
  patienceMs = 60_000,
  elapsed = () => performance.now(),
}: {
  intake: Intake;
  store: Pick<Store, 'findSummary' | 'wasHeard'>;
  patienceMs?: number;
  elapsed?: () => number;
}): Promise<Finding> {
  const startedAt = elapsed();
  const request = jobRequestSchema.parse(tryRequest);
  const { job } = await intake.accept(request, { idempotencyKey: null, by: commandLine });
  for (;;) {
    const seen = store.findSummary(job.id) ?? job;
    if (store.wasHeard(job.id)) {
      const seconds = ((elapsed() - startedAt) / 1000).toFixed(1);
      return finding('reports', asked, 'ok', `Its report came in after ${seconds} s (job ${job.id}).`);
    }
    if (isFinal(seen.state)) return finding('reports', asked, 'wrong', toEndSentence(seen));
    if (elapsed() - startedAt > patienceMs) {
      // It may end at this very moment, and then there is nothing to cancel.
      await intake.cancel(job.id, { by: commandLine }).catch(() => {});
      return finding('reports', asked, 'wrong', toWaitSentence(seen, patienceMs));
    }
    await delay(lookEveryMs);
  }
}

function toEndSentence({ id, state, explanation }: JobSummary): string {
  const why = explanation === null ? '' : ` ${explanation}`;
  if (state !== 'SUCCEEDED') return `It ended ${state} without a report (job ${id}).${why}`;
  return `It ran to its end, and no report of it came in (job ${id}): pods do not reach CALLBACK_URL.${why}`;
}

function toWaitSentence({ id, state, explanation }: JobSummary, patienceMs: number): string {
  const seconds = Math.round(patienceMs / 1000);
  const why = explanation === null ? '' : ` ${explanation}`;
  const untouched =
    state === 'QUEUED' && explanation === null
      ? ' Nothing has taken it up: is the service running on this database?'
      : '';
  return `It was still ${state} after ${seconds} s, and was cancelled (job ${id}).${why}${untouched}`;
}
