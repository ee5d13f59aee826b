import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Sql } from './database.ts';
import { flag } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import { clipLog } from './log-clip.ts';
import type { Writes } from './writes.ts';

const logItemSchema = z.object({
  number: z.int(),
  jobId: z.string(),
  namespace: z.string(),
  pod: z.string(),
  podUid: z.string(),
  task: z.int(),
  ended: flag,
  leaving: flag,
  runsOver: z.int(),
  runsKept: z.int(),
});

/**
 * A log that is to be fetched: of a pod that has ended, of one that is being deleted right now (`leaving`), or of an earlier run in a
 * pod that starts its container again (`runsOver` is more than `runsKept`).
 */
export type LogToKeep = z.output<typeof logItemSchema>;

export type LogText = {
  jobId: string;
  podUid: string;
  pod: string;
  task: number;
  text: Buffer;
};

const isToBeKept = `pods.log = 'open' AND (pods.ended = 1 OR pods.deleted_at IS NOT NULL OR pods.runs_over > pods.runs_kept)`;

/** The logs of pods that have ended, so that they outlive them. */
export function createLogs({ db, rows, writes }: { db: Sql; rows: JobRows; writes: Writes }) {
  // The index alone answers it.
  const numbers = db
    .prepare<[number, number], number>(
      `SELECT number FROM pods WHERE ${isToBeKept} AND number > +? ORDER BY number LIMIT +?`,
    )
    .pluck();
  const toKeep = db.prepare(
    `SELECT pods.number, pods.job_id AS jobId, jobs.namespace, pods.name AS pod, pods.uid AS podUid, pods.task, pods.ended,
       pods.deleted_at IS NOT NULL AS leaving, pods.runs_over AS runsOver, pods.runs_kept AS runsKept
     FROM pods JOIN jobs ON jobs.id = pods.job_id WHERE pods.number = ? AND ${isToBeKept}`,
  );
  const mark = db.prepare("UPDATE pods SET log = ? WHERE uid = ? AND log NOT IN ('kept', 'expired')");
  const markRun = db.prepare(
    `UPDATE pods SET runs_kept = @run WHERE uid = @podUid AND log NOT IN ('kept', 'expired') AND runs_kept < @run`,
  );
  const put = db.prepare(
    `INSERT INTO logs (pod_uid, job_id, kept_at, bytes, text) VALUES (@podUid, @jobId, @at, @bytes, @text)
     ON CONFLICT (pod_uid) DO UPDATE SET kept_at = @at, bytes = @bytes, text = @text`,
  );
  const find = db.prepare<[string], Buffer>('SELECT text FROM logs WHERE pod_uid = ?').pluck();
  // While the log is open it grows, and readers ask the cluster.
  const findClosed = db.prepare<[string], { pod: string; log: string; text: Buffer | null }>(
    `SELECT pods.name AS pod, pods.log, logs.text FROM pods LEFT JOIN logs ON logs.pod_uid = pods.uid
     WHERE pods.uid = ? AND pods.log <> 'open'`,
  );

  /** The numbers of a page of them, oldest first, of those that come after this number. Thousands cost less than a millisecond. */
  function listLogsToKeep({ after, limit }: { after: number; limit: number }): number[] {
    return numbers.all(after, limit);
  }

  /** Undefined where it is not to be fetched any more. */
  function findLogToKeep(number: number): LogToKeep | undefined {
    const row = toKeep.get(number);
    return row === undefined ? undefined : logItemSchema.parse(row);
  }

  /** Kept once, after what earlier runs said, clipped to 1 MiB (see log-clip.ts) and compressed. Unknown pods are ignored. */
  function keepLog(log: LogText): void {
    const { jobId, podUid, pod, task } = log;
    writes.transact(() => {
      if (mark.run('kept', podUid).changes === 0) return;
      const bytes = append(log);
      const { state } = rows.getRow(jobId);
      writes.append({ jobId, kind: 'log', state, pod, podUid, task, bytes });
    });
  }

  /** The log of the latest of `run` runs that are over, in a pod that goes on. */
  function keepRun(log: LogText & { run: number }): void {
    writes.transact(() => {
      if (markRun.run({ podUid: log.podUid, run: log.run }).changes === 1) append(log);
    });
  }

  function append({ jobId, podUid, text }: LogText): number {
    const earlier = find.get(podUid);
    const kept = clipLog(earlier === undefined ? text : Buffer.concat([inflateSync(earlier), text]));
    // The fastest level: text shrinks well enough, and the event loop is not held up.
    put.run({ podUid, jobId, at: writes.now(), bytes: kept.length, text: deflateSync(kept, { level: 1 }) });
    return kept.length;
  }

  /** There is none: the container never started, or the pod was gone first. */
  function markLogUnavailable(podUid: string): void {
    writes.transact(() => mark.run('unavailable', podUid));
  }

  /** The kept text of a pod's log; a line that says so where it was kept too long to be kept still; undefined where none was. */
  function findLog(podUid: string): Buffer | undefined {
    const closed = findClosed.get(podUid);
    if (closed?.log === 'expired') return Buffer.from(`[the log of pod ${closed.pod} is no longer kept]\n`);
    return closed === undefined || closed.text === null ? undefined : inflateSync(closed.text);
  }

  return { listLogsToKeep, findLogToKeep, keepLog, keepRun, markLogUnavailable, findLog };
}
