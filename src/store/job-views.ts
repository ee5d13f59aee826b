import { z } from 'zod';
import { podObservationSchema } from '../core/facts.ts';
import { jobSchema } from '../core/job.ts';
import type { Job } from '../core/job.ts';
import type { Sql } from './database.ts';
import { flag, jsonColumn, toSummary } from './job-row.ts';
import type { JobRows } from './jobs.ts';

type Task = Job['tasks'][number];
type Attempt = Task['attempts'][number];

/** Of a worker that never stops talking, the last words; its history has them all. */
const mostReports = 200;

const podRowSchema = z.object({ task: z.int(), observation: jsonColumn(podObservationSchema), gone: flag });

const reportRowSchema = z
  .object({ ...jobSchema.shape.reports.element.shape, podUid: z.string().nullable() })
  .strip();

export type JobViews = ReturnType<typeof createJobViews>;

/** A job as the outside sees it. */
export function createJobViews({ db, rows }: { db: Sql; rows: JobRows }) {
  const podsOf = db.prepare(
    'SELECT task, observation, gone FROM pods WHERE job_id = ? ORDER BY task, created_at, number',
  );
  const reportColumns = 'at, status, message, progress, task, attempt, pod_uid AS podUid';
  const latestReports = db.prepare(
    `SELECT * FROM (SELECT seq, ${reportColumns} FROM reports WHERE job_id = ? AND contradicts = 0
       ORDER BY seq DESC LIMIT ${mostReports}) ORDER BY seq`,
  );
  const taskReports = db.prepare(
    `SELECT max(seq), ${reportColumns} FROM reports WHERE job_id = ? AND contradicts = 0 GROUP BY task`,
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

  function getJob(id: string): Job {
    const job = findJob(id);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  /** Only tasks of which something is known: a pod, or a word. */
  function listTasks(id: string): Task[] {
    const tasks = new Map<number, Task>();
    const taskAt = (index: number): Task => {
      const task = tasks.get(index) ?? { index, report: null, attempts: [] };
      tasks.set(index, task);
      return task;
    };
    for (const row of podsOf.all(id)) {
      const pod = podRowSchema.parse(row);
      taskAt(pod.task).attempts.push(toAttempt(pod));
    }
    for (const row of taskReports.all(id)) {
      const { task, status, message, progress, at } = reportRowSchema.parse(row);
      taskAt(task).report = { status, message, progress, at };
    }
    return [...tasks.values()].toSorted((a, b) => a.index - b.index);
  }

  return { findJob, getJob };
}

/** A pod that left before anyone saw it end would look as if it ran for ever. */
export function toAttempt({
  observation,
  gone,
}: Pick<z.output<typeof podRowSchema>, 'observation' | 'gone'>): Attempt {
  const { name, uid, phase, exitCode, reason, restarts, startedAt, finishedAt } = observation;
  const vanished = gone && phase !== 'Succeeded' && phase !== 'Failed';
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
