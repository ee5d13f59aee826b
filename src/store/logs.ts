import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Sql } from './database.ts';
import { flag } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import { clipLog } from './log-clip.ts';
import type { Writes } from './writes.ts';

const logItemSchema = z.object({
  jobId: z.string(),
  namespace: z.string(),
  pod: z.string(),
  podUid: z.string(),
  task: z.int(),
  ended: flag,
});

/** A log that is to be fetched. Not `ended`: the pod is being deleted right now. */
export type LogToKeep = z.output<typeof logItemSchema>;

export type LogText = {
  jobId: string;
  podUid: string;
  pod: string;
  task: number;
  text: Buffer;
};

/** The logs of pods that have ended, so that they outlive them. */
export function createLogs({ db, rows, writes }: { db: Sql; rows: JobRows; writes: Writes }) {
  const open = db.prepare(
    `SELECT pods.job_id AS jobId, jobs.namespace, pods.name AS pod, pods.uid AS podUid, pods.task, pods.ended
     FROM pods JOIN jobs ON jobs.id = pods.job_id
     WHERE pods.log = 'open' AND (pods.ended = 1 OR pods.deleted_at IS NOT NULL)
     ORDER BY pods.number LIMIT ?`,
  );
  const mark = db.prepare("UPDATE pods SET log = ? WHERE uid = ? AND log <> 'kept'");
  const insert = db.prepare(
    'INSERT INTO logs (pod_uid, job_id, kept_at, bytes, text) VALUES (@podUid, @jobId, @at, @bytes, @text)',
  );
  const find = db.prepare<[string], Buffer>('SELECT text FROM logs WHERE pod_uid = ?').pluck();

  /** Of pods that have ended or are being deleted, oldest first. */
  function listLogsToKeep(limit: number): LogToKeep[] {
    return open.all(limit).map((row) => logItemSchema.parse(row));
  }

  /** Kept once, clipped to 1 MiB (see log-clip.ts) and compressed. Unknown pods are ignored. */
  function keepLog({ jobId, podUid, pod, task, text }: LogText): void {
    const kept = clipLog(text);
    // The fastest level: text shrinks well enough, and the event loop is not held up.
    const packed = deflateSync(kept, { level: 1 });
    writes.transact(() => {
      if (mark.run('kept', podUid).changes === 0) return;
      insert.run({ podUid, jobId, at: writes.now(), bytes: kept.length, text: packed });
      const { state } = rows.getRow(jobId);
      writes.append({ jobId, kind: 'log', state, pod, podUid, task, bytes: kept.length });
    });
  }

  /** There is none: the container never started, or the pod was gone first. */
  function markLogUnavailable(podUid: string): void {
    writes.transact(() => mark.run('unavailable', podUid));
  }

  /** The kept text of a pod's log; undefined where none is kept. */
  function findLog(podUid: string): Buffer | undefined {
    const packed = find.get(podUid);
    return packed === undefined ? undefined : inflateSync(packed);
  }

  return { listLogsToKeep, keepLog, markLogUnavailable, findLog };
}
