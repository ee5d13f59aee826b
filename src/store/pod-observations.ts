import { isDeepStrictEqual } from 'node:util';
import { podObservationSchema } from '../core/facts.ts';
import { isStuck, toHindrance } from '../core/explain.ts';
import type { PodObservation } from '../core/facts.ts';
import { isFinal } from '../core/job-state.ts';
import { countRunsOver, hasEnded, hasRun } from '../core/pod.ts';
import type { Sql } from './database.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import { createLateNews } from './late-news.ts';
import { toAttempt } from './job-views.ts';
import type { PodRow, PodRows, ShownPod } from './pods.ts';
import type { Reports } from './reports.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

type Parts = { db: Sql; rows: JobRows; pods: PodRows; reports: Reports; writes: Writes; settle: Settle };

/** What the watch on pods saw. The same look again changes nothing and writes nothing. */
export function createPodObservations({ db, rows, pods, reports, writes, settle }: Parts) {
  const learnLate = createLateNews({ db, rows, pods, writes });
  const keep = db.prepare(
    `INSERT INTO pods (uid, job_id, name, job_uid, job_name, task, phase, created_at, started_at, finished_at, exit_code, restarts,
       reason, message, termination_message, deleted_at, orphaned, ended, has_run, stuck, stopped, waited_for, runs_over)
     VALUES (@uid, @jobId, @name, @jobUid, @jobName, @index, @phase, @createdAt, @startedAt, @finishedAt, @exitCode, @restarts,
       @reason, @message, @terminationMessage, @deletedAt, @orphaned, @ended, @hasRun, @stuck, @stopped, @waitedFor, @runsOver)
     ON CONFLICT (uid) DO UPDATE SET name = @name, job_uid = @jobUid, job_name = @jobName, task = @index, phase = @phase,
       created_at = @createdAt, started_at = @startedAt, finished_at = @finishedAt, exit_code = @exitCode, restarts = @restarts,
       reason = @reason, message = @message, termination_message = @terminationMessage, deleted_at = @deletedAt,
       orphaned = max(orphaned, @orphaned), ended = @ended, has_run = @hasRun, stuck = @stuck, stopped = max(stopped, @stopped),
       waited_for = coalesce(@waitedFor, waited_for), runs_over = max(runs_over, @runsOver)`,
  );
  const latestLook = db.prepare<[string], Record<string, unknown>>(
    `SELECT uid, name, job_uid AS jobUid, job_name AS jobName, task AS "index", phase, created_at AS createdAt,
       started_at AS startedAt, finished_at AS finishedAt, exit_code AS exitCode, restarts, reason, message,
       termination_message AS terminationMessage, deleted_at AS deletedAt, orphaned, stopped FROM pods WHERE uid = ?`,
  );
  const stop = db.prepare('UPDATE pods SET stopped = 1 WHERE uid = ?');
  // With the pod its log leaves the cluster; one that is being fetched right now may still be kept.
  const leave = db.prepare(
    `UPDATE pods SET gone = 1, log = iif(log = 'open', 'unavailable', log) WHERE uid = ? AND job_id = ? AND gone = 0`,
  );

  /** Pods of unknown jobs, or of a Job that is not this row's own, are ignored. */
  function observePod(id: string, seen: PodObservation): void {
    if (isKnown(seen)) return;
    const pod = podObservationSchema.parse(seen);
    writes.transact(() => {
      const row = rows.findRow(id);
      if (row === undefined || !isOwn(row, pod)) return;
      const known = pods.findPod(pod.uid);
      if (known !== undefined && !supersedes(pod, known)) {
        // Old news, but of this a later look says nothing.
        if (isBeingStopped(pod) && !known.stopped) stop.run(pod.uid);
        return;
      }
      if (row.kubernetes_uid === null) rows.learnUid({ id, uid: pod.jobUid, now: writes.now() });
      keep.run({
        ...pod,
        jobId: id,
        orphaned: pod.orphaned ? 1 : 0,
        ended: hasEnded(pod) ? 1 : 0,
        hasRun: hasRun(pod) ? 1 : 0,
        stuck: isStuck(pod) ? 1 : 0,
        stopped: isBeingStopped(pod) ? 1 : 0,
        waitedFor: toHindrance(pod),
        runsOver: countRunsOver(pod),
      });
      tell(row, known, { ...pod, gone: known?.gone ?? false });
      reports.addMessage(row, pod);
      settle(id);
      if (isFinal(row.state)) learnLate(id);
    });
  }

  /** By far the most looks, after a restart and at every full compare: they cost one read, and no transaction. */
  function isKnown(seen: PodObservation): boolean {
    const row = latestLook.get(seen.uid);
    if (row === undefined || (isBeingStopped(seen) && row['stopped'] === 0)) return false;
    return Object.entries(seen).every(
      ([name, value]) => row[name] === (typeof value === 'boolean' ? Number(value) : value),
    );
  }

  function markPodGone(id: string, podUid: string): void {
    writes.transact(() => {
      const row = rows.findRow(id);
      const known = pods.findPod(podUid);
      if (row === undefined || known === undefined || leave.run(podUid, id).changes === 0) return;
      tell(row, known, { ...known, gone: true });
      settle(id);
    });
  }

  /** The history has what a reader of the job can see, not every heartbeat. */
  function tell(row: JobRow, before: ShownPod | undefined, after: ShownPod): void {
    const view = toAttempt(after);
    if (before !== undefined && JSON.stringify(toAttempt(before)) === JSON.stringify(view)) return;
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

function isOwn(row: JobRow, pod: PodObservation): boolean {
  if (row.kubernetes_uid !== null) return row.kubernetes_uid === pod.jobUid;
  // Its own name would not do: of a long one Kubernetes cuts off the end before it adds its suffix.
  return row.kubernetes_name === pod.jobName;
}

function isBeingStopped(pod: PodObservation): boolean {
  return pod.deletedAt !== null && !hasEnded(pod) && pod.exitCode === null;
}

/** A list can be older than what the watch has told: nothing takes back an end, and only an end is news of a pod that is gone. */
function supersedes(seen: PodObservation, known: PodRow): boolean {
  if (!hasEnded(seen) && (hasEnded(known) || known.gone)) return false;
  return !isDeepStrictEqual({ ...known, ...seen }, known);
}
