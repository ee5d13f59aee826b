import type { ReportInput } from '../core/report.ts';
import { isHttp } from './command-line.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where reports go, with what right, and who is speaking in them. */
export type Callback = {
  url: URL;
  token: string | null;
  speaker: Pick<ReportInput, 'job-id' | 'task' | 'attempt' | 'pod-uid'>;
};

/**
 * The flags win over the environment, as in the sample. null where an address or a job id is missing: the work is done
 * all the same.
 */
export function findCallback(
  { endPoint, jobId }: { endPoint: URL | null; jobId: string | null },
  env: Environment,
): Callback | null {
  const url = new URL(endPoint ?? URL.parse(env['JOBSPAWN_STATUS_URL'] ?? '') ?? 'none:');
  const id = jobId ?? (url.searchParams.get('job-id') || env['JOBSPAWN_JOB_ID']);
  if (!isHttp(url) || !id) return null;

  // The capability travels as a header from here on: a token in a query ends up in access logs on its way.
  const token = url.searchParams.get('token') || env['JOBSPAWN_TOKEN'] || null;
  url.searchParams.delete('token');
  url.searchParams.delete('job-id');
  if (url.pathname === '/') url.pathname = '/status';

  const speaker: Callback['speaker'] = { 'job-id': id };
  const task = toCount(env['CLOUD_RUN_TASK_INDEX'] ?? env['JOB_COMPLETION_INDEX']);
  const attempt = toCount(env['CLOUD_RUN_TASK_ATTEMPT']);
  if (task !== null) speaker.task = task;
  if (attempt !== null) speaker.attempt = attempt;
  if (env['JOBSPAWN_POD_UID']) speaker['pod-uid'] = env['JOBSPAWN_POD_UID'];
  return { url, token, speaker };
}

function toCount(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
