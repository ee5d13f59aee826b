import type { Request } from 'express';
import { z } from 'zod';
import { AppError } from '../core/app-error.ts';
import { parseInput } from '../core/parse.ts';
import { reportFormSchema, reportSchema, terminalOf } from '../core/report.ts';
import type { ReportInput } from '../core/report.ts';
import type { ReportOutcome } from '../store/reports.ts';
import type { Store } from '../store/store.ts';
import { bearerOf } from './bearer.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

/** Whether a token is valid for exactly this job, in constant time. */
export type JobTokens = { matches: (jobId: string, token: string) => boolean };

/** Counts a report of a task that there is; rejects with AppError `too-many-requests` when it, or the whole job, speaks too often. */
export type ReportRate = (of: { jobId: string; task: number; isLastWord: boolean }) => Promise<void>;

/** Looks at the pods in the cluster afresh; false when that failed. */
export type RefreshPods = (signal: AbortSignal) => Promise<boolean>;

const freshLookMs = 5000;
const limit = 128 * 1024;
const queryFields = { 'job-id': z.string().optional(), token: z.string().optional() };

const answerSchema = z.strictObject({
  'job-id': z.string(),
  status: z.string().describe('The report as it was kept'),
});

/** What workers say of their work: `/status`, and `/updatejobstatus` as the original sample called it. */
export function createStatusReports({
  store,
  tokens,
  rate,
  refreshPods,
}: {
  store: Pick<Store, 'addReport' | 'countTasks' | 'groupCommit'>;
  tokens: JobTokens;
  rate: ReportRate;
  refreshPods: RefreshPods;
}): Route[] {
  const add = (report: ReportInput, isFinalAnswer: boolean) =>
    store.groupCommit(() => store.addReport(report, { isFinalAnswer }));

  /** Counts what is about a task that there is, as the first one always is; made-up ones would each have a count of their own. */
  async function count({ 'job-id': jobId, task: given, status }: ReportInput): Promise<void> {
    const task = given ?? 0;
    if (task > 0) {
      const tasks = store.countTasks(jobId);
      if (tasks === undefined) throw notYours();
      if (task >= tasks) return refuseUnkept({ kind: 'unknown-task' });
    }
    await rate({ jobId, task, isLastWord: terminalOf(status) !== null });
  }

  /**
   * Who is told that another pod holds the claim goes home, so it must be true: the holder may have ended unseen, and this pod be the
   * retry that is to do the work.
   */
  async function keep(report: ReportInput): Promise<ReportOutcome> {
    const outcome = await add(report, false);
    if (outcome.kind !== 'claimed-by-another-pod') return outcome;
    if (await refreshPods(AbortSignal.timeout(freshLookMs))) return add(report, true);
    throw new AppError(
      'unavailable',
      'Another pod holds the claim, and nobody can tell now whether it still runs.',
    );
  }

  return ['/status', '/updatejobstatus'].map((path) =>
    route({
      method: 'post',
      path,
      needs: 'worker',
      kind: 'api',
      tag: 'Workers',
      summary: path === '/status' ? 'Report on a job' : 'The same as /status, under its old name',
      description:
        'Needs the token that the job was given: as `Authorization: Bearer`, or in the query, as `$JOBSPAWN_STATUS_URL` has it.',
      forMachines: true,
      forWorkers: 'alone',
      query: z.strictObject(queryFields),
      body: {
        types: ['json', 'form'],
        schema: z.record(z.string(), z.unknown()),
        documentedAs: reportSchema,
        limit,
      },
      answers: { 200: { description: 'Kept', schema: answerSchema } },
      problems: [400, 401, 409, 413, 415, 503],
      handle: async ({ req, res, query, body }) => {
        const { token, ...fields } = merge(query, body);
        const report = toReport(req, fields);
        const given = bearerOf(req) ?? token;
        if (typeof given !== 'string' || !tokens.matches(report['job-id'], given)) throw notYours();
        // Counted for who shows the token: nobody else can use up what a worker may say.
        await count(report);
        refuseUnkept(await keep(report));
        res.json({ 'job-id': report['job-id'], status: report.status });
      },
    }),
  );
}

function refuseUnkept({ kind }: ReportOutcome): void {
  switch (kind) {
    case 'kept':
      return;
    case 'unknown-job':
      throw notYours();
    case 'contradicts':
      throw new AppError(
        'conflict',
        'The report contradicts how the job ended; it was kept as a discrepancy.',
      );
    case 'too-late':
      throw new AppError('conflict', 'The job ended more than an hour ago; nothing is added to it any more.');
    case 'unknown-task':
      throw new AppError('invalid', 'The report has a fault.', {
        faults: [{ pointer: '/task', detail: 'must be less than the number of completions' }],
      });
    case 'claimed-by-another-pod':
      throw new AppError('conflict', 'Another pod holds the claim on this task.');
  }
}

/** Query and body as one. What stands in both must be the same, or a token could vouch for another job's report. */
function merge(query: Record<string, unknown>, body: Record<string, unknown>): Record<string, unknown> {
  const faults = Object.keys(query)
    .filter((field) => body[field] !== undefined && body[field] !== query[field])
    .map((field) => ({ pointer: `/${field}`, detail: `differs from ?${field}` }));
  if (faults.length > 0) throw new AppError('invalid', 'Query and body do not say the same.', { faults });
  return { ...body, ...query };
}

function toReport(req: Request, fields: Record<string, unknown>): ReportInput {
  return typeof req.is('application/x-www-form-urlencoded') === 'string'
    ? parseInput(reportFormSchema, fields, 'The report')
    : parseInput(reportSchema, fields, 'The report');
}

/** One answer for a wrong token, a missing one, another job's and an unknown job: nobody learns which jobs there are. */
function notYours(): AppError {
  return new AppError('unauthorized', 'A token that is valid for this job is required.');
}
