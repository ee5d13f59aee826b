import { z } from 'zod';
import { jobSchema } from '../core/job.ts';
import type { Job, JobSummary } from '../core/job.ts';
import { hasEnded } from '../core/pod.ts';
import type { Sql } from './database.ts';
import { toSummary } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { PodRows, ShownPod } from './pods.ts';

type Task = Job['tasks'][number];
type Attempt = Task['attempts'][number];

/** Of a worker that never stops talking, the last words; its history has them all. */
export const mostReports = 200;

const reportRowSchema = z
  .object({ ...jobSchema.shape.reports.element.shape, podUid: z.string().nullable() })
  .strip();

export type JobViews = ReturnType<typeof createJobViews>;

/** A job as the outside sees it. */
export function createJobViews({ db, rows, pods }: { db: Sql; rows: JobRows; pods: PodRows }) {
  const reportColumns = 'at, status, message, progress, task, attempt, pod_uid AS podUid';
  const latestReports = db.prepare(
    `SELECT * FROM (SELECT seq, ${reportColumns} FROM reports WHERE job_id = +? AND contradicts = 0
       ORDER BY seq DESC LIMIT ${mostReports}) ORDER BY seq`,
  );
  const taskReports = db.prepare(
    `SELECT ${reportColumns} FROM reports WHERE seq IN (SELECT seq FROM task_reports WHERE job_id = ?)`,
  );

  function findJob(id: string): Job | undefined {
    const row = rows.findRow(id);
    if (row === undefined) return undefined;
    return {
      ...toSummary(row),
      tasks: listTasks(id),
      reports: latestReports.all(id).map((report) => reportRowSchema.parse(report)),
      conditions: row.observation?.conditions ?? [],
    };
  }

  /** The same without its tasks and reports, of which there may be thousands. */
  function findSummary(id: string): JobSummary | undefined {
    const row = rows.findRow(id);
    return row === undefined ? undefined : toSummary(row);
  }

  /** Only tasks of which something is known: a pod, or a word. */
  function listTasks(id: string): Task[] {
    const tasks = new Map<number, Task>();
    const taskAt = (index: number): Task => {
      const task = tasks.get(index) ?? { index, report: null, attempts: [] };
      tasks.set(index, task);
      return task;
    };
    for (const pod of pods.listShownPods(id)) taskAt(pod.index).attempts.push(toAttempt(pod));
    for (const row of taskReports.all(id)) {
      const { task, status, message, progress, at } = reportRowSchema.parse(row);
      taskAt(task).report = { status, message, progress, at };
    }
    return [...tasks.values()].toSorted((a, b) => a.index - b.index);
  }

  return { findJob, findSummary };
}

/** A pod that left before anyone saw it end would look as if it ran for ever. */
export function toAttempt(pod: ShownPod): Attempt {
  const { name, uid, phase, exitCode, reason, restarts, startedAt, finishedAt } = pod;
  const vanished = pod.gone && !hasEnded(pod);
  return {
    pod: name,
    podUid: uid,
    phase: vanished ? 'Unknown' : phase,
    exitCode,
    reason: vanished ? 'PodGone' : reason,
    restarts,
    startedAt,
    finishedAt,
  };
}
