import { podObservationSchema } from '../core/facts.ts';
import type { PodFact, PodObservation } from '../core/facts.ts';
import type { Sql } from './database.ts';
import type { JobRow } from './job-row.ts';
import { toAttempt } from './job-views.ts';
import type { JobRows } from './jobs.ts';
import { podColumns, podRowSchema } from './pod-row.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

/** What the watch on pods saw. The same look again changes nothing and writes nothing. */
export function createPodObservations({ db, rows, writes, settle }: Parts) {
  const find = db.prepare(`SELECT ${podColumns} FROM pods WHERE uid = ? AND job_id = ?`);
  const learnUid = db.prepare(
    `UPDATE jobs SET kubernetes_uid = @uid, dispatch = coalesce(dispatch, 'created'), claimed_at = coalesce(claimed_at, @now)
     WHERE id = @id`,
  );
  const keep = db.prepare(
    `INSERT INTO pods (uid, job_id, task, created_at, observation, ended, leaving, stopped)
     VALUES (@uid, @id, @task, @createdAt, @observation, @ended, @leaving, @stopped)
     ON CONFLICT (uid) DO UPDATE SET observation = excluded.observation, ended = excluded.ended, leaving = excluded.leaving,
       stopped = max(stopped, excluded.stopped)`,
  );
  const stop = db.prepare('UPDATE pods SET stopped = 1 WHERE uid = ?');
  // With the pod its log leaves the cluster; one that is being fetched right now may still be kept.
  const leave = db.prepare(
    `UPDATE pods SET gone = 1, log = iif(log = 'open', 'unavailable', log) WHERE uid = ? AND job_id = ? AND gone = 0`,
  );

  function findPod(id: string, uid: string): PodFact | undefined {
    const row = find.get(uid, id);
    return row === undefined ? undefined : podRowSchema.parse(row);
  }

  /** Pods of unknown jobs, or of a Job that is not this row's own, are ignored. */
  function observePod(id: string, seen: PodObservation): void {
    const pod = podObservationSchema.parse(seen);
    writes.transact(() => {
      const row = rows.findRow(id);
      if (row === undefined || !isOwn(row, pod)) return;
      const known = findPod(id, pod.uid);
      if (known !== undefined && !supersedes(pod, known)) {
        // Old news, but of this a later look says nothing.
        if (isBeingStopped(pod) && !known.stopped) stop.run(pod.uid);
        return;
      }
      if (row.kubernetes_uid === null) learnUid.run({ id, uid: pod.jobUid, now: writes.now() });
      keep.run({
        uid: pod.uid,
        id,
        task: pod.index,
        createdAt: pod.createdAt,
        observation: JSON.stringify(pod),
        ended: hasEnded(pod) ? 1 : 0,
        leaving: pod.deletedAt === null ? 0 : 1,
        stopped: isBeingStopped(pod) ? 1 : 0,
      });
      tell(row, known, { ...pod, gone: known?.gone ?? false, stopped: isBeingStopped(pod) });
      settle(id);
    });
  }

  function markPodGone(id: string, podUid: string): void {
    writes.transact(() => {
      const row = rows.findRow(id);
      const known = findPod(id, podUid);
      if (row === undefined || known === undefined || leave.run(podUid, id).changes === 0) return;
      tell(row, known, { ...known, gone: true });
      settle(id);
    });
  }

  /** The history has what a reader of the job can see, not every heartbeat. */
  function tell(row: JobRow, before: PodFact | undefined, after: PodFact): void {
    const view = toView(after);
    if (before !== undefined && JSON.stringify(toView(before)) === JSON.stringify(view)) return;
    const { pod, podUid, phase, exitCode, reason } = view;
    writes.append({
      jobId: row.id,
      kind: 'pod',
      state: row.state,
      task: after.index,
      pod,
      podUid,
      phase,
      exitCode,
      reason,
    });
  }

  return { observePod, markPodGone };
}

function toView({ gone, stopped: _stopped, ...observation }: PodFact) {
  return toAttempt({ observation, gone });
}

function isOwn(row: JobRow, pod: PodObservation): boolean {
  if (row.kubernetes_uid !== null) return row.kubernetes_uid === pod.jobUid;
  return pod.name.startsWith(`${row.kubernetes_name}-`);
}

function hasEnded(pod: PodObservation): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

function isBeingStopped(pod: PodObservation): boolean {
  return pod.deletedAt !== null && !hasEnded(pod) && pod.exitCode === null;
}

/** A list can be older than what the watch has told: nothing takes back an end, and only an end is news of a pod that is gone. */
function supersedes(seen: PodObservation, { gone, stopped: _stopped, ...known }: PodFact): boolean {
  if (!hasEnded(seen) && (hasEnded(known) || gone)) return false;
  return JSON.stringify(known) !== JSON.stringify(seen);
}
