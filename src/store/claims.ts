import type { Sql } from './database.ts';
import type { SpokenOf } from './job-row.ts';
import type { Writes } from './writes.ts';

type Holder = { podUid: string; attempt: number };

/**
 * Kubernetes may, rarely, start a pod twice. The first report with a pod uid claims (job, task) for that pod; another pod may take
 * over only when the holder is known to have ended. Who once held the task may go on speaking, for its words can come late.
 */
export function createClaims({ db, writes }: { db: Sql; writes: Writes }) {
  const held = db.prepare('SELECT 1 FROM claims WHERE job_id = ? AND task = ? AND pod_uid = ?');
  const latest = db.prepare<[string, number], Holder>(
    'SELECT pod_uid AS podUid, attempt FROM claims WHERE job_id = +? AND task = +? ORDER BY attempt DESC LIMIT 1',
  );
  const podEnded = db.prepare('SELECT 1 FROM pods WHERE uid = ? AND job_id = ? AND (ended = 1 OR gone = 1)');
  // In a message it says so only when it has ended.
  const saidError = db.prepare(
    `SELECT 1 FROM reports WHERE job_id = +? AND terminal = 'ERROR' AND contradicts IN (0, 1) AND pod_uid = +? AND source = 'report'
     LIMIT 1`,
  );
  const insert = db.prepare('INSERT INTO claims (job_id, task, attempt, pod_uid, at) VALUES (?, ?, ?, ?, ?)');
  const setIdle = db.prepare('UPDATE pods SET idle = ? WHERE uid = ? AND job_id = ?');

  /** False where another pod holds the task. */
  function claim(row: SpokenOf, { task, podUid }: { task: number; podUid: string }): boolean {
    // All pods of a NonIndexed job share task 0, so many of them rightly work at once.
    if (row.spec.completions > 1 && row.spec.completionMode === 'NonIndexed') return true;
    if (held.get(row.id, task, podUid) !== undefined) return true;
    const holder = latest.get(row.id, task);
    if (holder !== undefined && !hasLetGo(row.id, holder.podUid)) return false;
    insert.run(row.id, task, (holder?.attempt ?? -1) + 1, podUid, writes.now());
    // Sent home once, and granted the task after all.
    setIdle.run(0, podUid, row.id);
    return true;
  }

  /** The pod is told to go home: what becomes of it is not what becomes of the work. */
  function sendHome(row: SpokenOf, podUid: string): void {
    setIdle.run(1, podUid, row.id);
  }

  function hasLetGo(id: string, podUid: string): boolean {
    return podEnded.get(podUid, id) !== undefined || saidError.get(id, podUid) !== undefined;
  }

  return { claim, sendHome };
}
