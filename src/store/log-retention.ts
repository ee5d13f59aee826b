import { biteBytes, biteRows, endOfTime } from './bite.ts';
import type { Sql } from './database.ts';
import type { Writes } from './writes.ts';

type KeptLog = { podUid: string; keptAt: string; bytes: number };
type Removed = { logs: number; bytes: number };

export type LogRetention = ReturnType<typeof createLogRetention>;

/** Removes kept logs. Their pods remember that there was one. */
export function createLogRetention({ db, writes }: { db: Sql; writes: Writes }) {
  const columns = 'logs.pod_uid AS podUid, logs.kept_at AS keptAt, octet_length(logs.text) AS bytes';
  // One that still grows, run by run, belongs to a pod that goes on.
  const oldest = db.prepare<[string, number], KeptLog>(
    `SELECT ${columns} FROM logs JOIN pods ON pods.uid = logs.pod_uid
     WHERE logs.kept_at < ? AND pods.log <> 'open' ORDER BY logs.kept_at, logs.pod_uid LIMIT ?`,
  );
  const ofJob = db.prepare<[string, number], KeptLog>(`SELECT ${columns} FROM logs WHERE job_id = ? LIMIT ?`);
  const total = db.prepare<[], number>('SELECT log_bytes FROM kept').pluck();
  const expire = db.prepare("UPDATE pods SET log = 'expired' WHERE uid = ?");
  const remove = db.prepare('DELETE FROM logs WHERE pod_uid = ?');

  /**
   * One bite, the oldest first: those that were kept before the given time, and more while all of them together have more than
   * `mostBytes` as stored. `logs` is 0 when nothing is due.
   */
  function removeOldLogs({ keptBefore, mostBytes }: { keptBefore: string; mostBytes: number }): Removed {
    return writes.transact(() => {
      const excess = (total.get() ?? 0) - mostBytes;
      const candidates = oldest.all(excess > 0 ? endOfTime : keptBefore, biteRows);
      return removeWhile(candidates, ({ keptAt }, { bytes }) => keptAt < keptBefore || bytes < excess);
    });
  }

  /** Within the transaction that removes their job. */
  function removeLogsOfJob(jobId: string, most: number): Removed & { areLeft: boolean } {
    const removed = removeWhile(ofJob.all(jobId, most), () => true);
    return { ...removed, areLeft: ofJob.get(jobId, 1) !== undefined };
  }

  function removeWhile(
    logs: readonly KeptLog[],
    isDue: (log: KeptLog, removed: Removed) => boolean,
  ): Removed {
    const removed = { logs: 0, bytes: 0 };
    for (const log of logs) {
      if (removed.bytes > biteBytes || !isDue(log, removed)) break;
      expire.run(log.podUid);
      remove.run(log.podUid);
      removed.logs += 1;
      removed.bytes += log.bytes;
    }
    return removed;
  }

  return { removeOldLogs, removeLogsOfJob };
}
