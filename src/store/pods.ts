import { z } from 'zod';
import { podObservationSchema } from '../core/facts.ts';
import type { PodFact } from '../core/facts.ts';
import type { Sql } from './database.ts';
import { flag } from './job-row.ts';

/** A pod as a fact; `number` is the order in which pods were first seen. */
export type PodRow = PodFact & { number: number };

export type PodRows = ReturnType<typeof createPodRows>;

const podRowSchema = podObservationSchema.extend({
  number: z.int(),
  orphaned: flag,
  gone: flag,
  stopped: flag,
  idle: flag,
  waitedFor: z.string().nullable(),
});

const columns = `number, uid, name, job_uid AS jobUid, job_name AS jobName, task AS "index", phase, created_at AS createdAt,
  started_at AS startedAt, finished_at AS finishedAt, exit_code AS exitCode, restarts, reason, message,
  termination_message AS terminationMessage, deleted_at AS deletedAt, orphaned, gone, stopped, idle, waited_for AS waitedFor`;

/** In SQL: `hasLeft` does not hold. */
export const isThere = '(pods.gone = 0 AND NOT (pods.orphaned = 1 AND pods.ended = 1))';

/** What a reader of the job is shown of its pods; of many thousands the other columns would cost more than all else. */
const shownSchema = podRowSchema.pick({
  uid: true,
  name: true,
  index: true,
  phase: true,
  startedAt: true,
  finishedAt: true,
  exitCode: true,
  restarts: true,
  reason: true,
  gone: true,
});
export type ShownPod = z.output<typeof shownSchema>;

/** The pods of a job, by task, then age, whole, and parsed. */
export function createPodRows(db: Sql) {
  const byUid = db.prepare(`SELECT ${columns} FROM pods WHERE uid = ?`);
  const ofJob = db.prepare(`SELECT ${columns} FROM pods WHERE job_id = +? ORDER BY task, created_at, number`);
  const shown = db.prepare(
    `SELECT uid, name, task AS "index", phase, started_at AS startedAt, finished_at AS finishedAt, exit_code AS exitCode, restarts,
       reason, gone FROM pods WHERE job_id = +? ORDER BY task, created_at, number`,
  );
  const seenAfter = db.prepare(
    `SELECT ${columns} FROM pods WHERE job_id = +? AND number > +? ORDER BY number`,
  );
  // Each arm is the first entry of an index of its own.
  const deciding = db.prepare(
    `SELECT ${columns} FROM pods WHERE number IN (
       SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id AND ${isThere} LIMIT 1)
       UNION ALL SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id AND has_run = 1 LIMIT 1)
       UNION ALL SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id AND has_run = 1 AND started_at IS NOT NULL
         ORDER BY started_at LIMIT 1)
       UNION ALL SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id AND stuck = 1 AND gone = 0
         ORDER BY task, created_at, number LIMIT 1)
       UNION ALL SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id AND phase = 'Failed' AND stopped = 0
         ORDER BY created_at DESC, uid DESC LIMIT 1)
       UNION ALL SELECT * FROM (SELECT number FROM pods WHERE job_id = +@id ORDER BY created_at DESC, uid DESC LIMIT 1))
     ORDER BY task, created_at, number`,
  );

  function findPod(uid: string): PodRow | undefined {
    const row = byUid.get(uid);
    return row === undefined ? undefined : podRowSchema.parse(row);
  }

  function listPods(jobId: string): PodRow[] {
    return ofJob.all(jobId).map((row) => podRowSchema.parse(row));
  }

  function listShownPods(jobId: string): ShownPod[] {
    return shown.all(jobId).map((row) => shownSchema.parse(row));
  }

  /** Those first seen after the one with the given number, in that order; 0 for all. */
  function listPodsAfter(jobId: string, number: number): PodRow[] {
    return seenAfter.all(jobId, number).map((row) => podRowSchema.parse(row));
  }

  /**
   * For a job of many completions, the few pods that stand for all: one that is still there, one that has run, the earliest to
   * start, the first that is stuck, the youngest that failed by itself, the youngest of all. How many of them succeeded they do not tell.
   */
  function listDecidingPods(jobId: string): PodRow[] {
    return deciding.all({ id: jobId }).map((row) => podRowSchema.parse(row));
  }

  return { findPod, listPods, listShownPods, listPodsAfter, listDecidingPods };
}
