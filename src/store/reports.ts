import type { PodObservation } from '../core/facts.ts';
import { isFinal } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import { refine } from '../core/job-times.ts';
import { hasEnded } from '../core/pod.ts';
import { ERROR, findOutcome, SUCCESS, terminalOf } from '../core/report.ts';
import type { ReportedOutcome, ReportInput, TerminalStatus } from '../core/report.ts';
import { createClaims } from './claims.ts';
import type { Sql } from './database.ts';
import type { JobRow, SpokenOf } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

export type ReportOutcome =
  | { kind: 'kept'; state: JobState }
  | { kind: 'contradicts'; state: JobState }
  | { kind: 'too-late' }
  | { kind: 'claimed-by-another-pod' }
  | { kind: 'unknown-task' }
  | { kind: 'unknown-job' };

/** Words may still be on their way when a job ends. A token that comes to light long afterwards must add nothing to what is over. */
const lateMs = 3_600_000;

export type Reports = ReturnType<typeof createReports>;

/** One word of a worker, on its way into the store. */
type Word = {
  said: ReturnType<typeof toSaid>;
  result: ReportInput['result'];
  source: 'report' | 'message';
  at: string;
  discrepancy: string | null;
  /** Whether it is the latest, of its task and of the whole job. */
  latest: { ofTask: boolean; ofJob: boolean };
};

type LastWord = { at: string; terminal: TerminalStatus | null; podUid: string | null };

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

export function createReports({ db, rows, writes, settle }: Parts) {
  const { claim, sendHome } = createClaims({ db, writes });
  const insert = db.prepare(
    `INSERT INTO reports (job_id, at, status, terminal, message, progress, task, attempt, pod_uid, source, contradicts)
     VALUES (@id, @at, @status, @terminal, @message, @progress, @task, @attempt, @podUid, @source, @contradicts)`,
  );
  const latestOfTask = db.prepare(
    `INSERT INTO task_reports (job_id, task, seq) VALUES (@id, @task, @seq)
     ON CONFLICT (job_id, task) DO UPDATE SET seq = excluded.seq`,
  );
  // Who reports has been started, even where a restored backup has forgotten that a create was ever sent.
  const show = db.prepare(
    `UPDATE jobs SET report = iif(@isLatest, @report, report), claimed_at = coalesce(claimed_at, @at),
       result = iif(@isLatest, coalesce(@result, result), coalesce(result, @result)) WHERE id = @id`,
  );
  const dispute = db.prepare('UPDATE jobs SET discrepancy = coalesce(discrepancy, ?) WHERE id = ?');
  const hasConcluded = db.prepare(
    `SELECT 1 FROM reports WHERE job_id = @id AND terminal IS NOT NULL
       AND (pod_uid = @podUid OR (pod_uid IS NULL AND task = @task)) LIMIT 1`,
  );
  const saidBefore = db.prepare(
    `SELECT 1 FROM reports WHERE job_id = +@id AND terminal = +@terminal AND contradicts = 0 AND pod_uid IS +@podUid
       AND source = 'report' LIMIT 1`,
  );
  const completionsOf = db
    .prepare<[string], number>("SELECT spec ->> '$.completions' FROM jobs WHERE id = ?")
    .pluck();
  const lastWord = db.prepare<[string, number], LastWord>(
    `SELECT at, terminal, pod_uid AS podUid FROM reports
     WHERE seq = (SELECT seq FROM task_reports WHERE job_id = ? AND task = ?)`,
  );

  /** How many tasks a job has; undefined where there is no such job. */
  function countTasks(id: string): number | undefined {
    return completionsOf.get(id);
  }

  /**
   * What the worker says of its work. After the end nothing changes the state; a word against the end is kept as `discrepancy`.
   * `isFinalAnswer`: a pod that is refused the claim will be told so, and goes home.
   */
  function addReport(report: ReportInput, { isFinalAnswer = false } = {}): ReportOutcome {
    return writes.transact(() => {
      const row = rows.findSpokenOf(report['job-id']);
      if (row === undefined) return { kind: 'unknown-job' };
      const outcome = add(row, report);
      if (outcome.kind === 'claimed-by-another-pod' && isFinalAnswer) sendHome(row, report['pod-uid'] ?? '');
      return outcome;
    });
  }

  function add(row: SpokenOf, report: ReportInput): ReportOutcome {
    if (isLate(row)) return { kind: 'too-late' };
    const said = toSaid(report);
    const { podUid, task } = said;
    if (task >= row.spec.completions) return { kind: 'unknown-task' };
    if (podUid !== null && !claim(row, { task, podUid })) return { kind: 'claimed-by-another-pod' };
    const discrepancy = findContradiction(row, said.terminal);
    // What runs is not moved by a word on the way, which is what most reports are, nor by an end of which that pod has told before.
    const decidesNothing =
      row.state === 'RUNNING' &&
      (said.terminal === null || saidBefore.get({ id: row.id, ...said }) !== undefined);
    const isLatest = !wasOvertaken(row, said);
    const latest = { ofTask: isLatest, ofJob: isLatest };
    keep(row, { said, result: report.result, source: 'report', at: writes.now(), discrepancy, latest });
    if (discrepancy !== null) return { kind: 'contradicts', state: row.state };
    return { kind: 'kept', state: decidesNothing ? row.state : settle(row.id) };
  }

  function isLate({ finished_at: finishedAt }: SpokenOf): boolean {
    return finishedAt !== null && Date.parse(writes.now()) - Date.parse(finishedAt) > lateMs;
  }

  /**
   * The outcome in the termination message of a pod that has ended, where every report of it was lost. It asks for no claim: of a pod
   * that is over, Kubernetes itself is the witness. Part of the transaction that stores the look at the pod, which settles afterwards.
   */
  function addMessage(row: JobRow, pod: PodObservation): void {
    const { index: task, uid: podUid, terminationMessage } = pod;
    if (terminationMessage === null || !hasEnded(pod)) return;
    const outcome = findOutcome(terminationMessage);
    if (outcome === null || hasConcluded.get({ id: row.id, podUid, task }) !== undefined) return;
    const said = toSaid({ ...outcome, task, 'pod-uid': podUid });
    const before = lastWord.get(row.id, task);
    const at = toMessageTime(row, pod, before);
    const latest = {
      ofTask: before === undefined || before.at <= at,
      ofJob: row.report === null || row.report.at <= at,
    };
    // An attempt that failed is not at odds with a later one that succeeded, nor is its message when it is seen late.
    const isOvercome = said.terminal === ERROR && pod.phase === 'Failed';
    const discrepancy = isOvercome ? null : findContradiction(row, said.terminal);
    keep(row, { said, result: outcome.result, source: 'message', at, discrepancy, latest });
  }

  /**
   * When the container ended, so that pods that are seen late, and in any order, still stand in the order of their ends. A pod's own last
   * word is never later: Kubernetes' whole seconds only make it seem so.
   */
  function toMessageTime(row: JobRow, pod: PodObservation, before: ReturnType<typeof lastWord.get>): string {
    const now = writes.now();
    const endedAt = refine(pod.finishedAt ?? now, { acceptedAt: row.created_at, now });
    const isOwn = before !== undefined && (before.podUid === null || before.podUid === pod.uid);
    return isOwn && before.at > endedAt ? before.at : endedAt;
  }

  function keep(row: SpokenOf, { said, result = null, source, at, discrepancy, latest }: Word): void {
    const { lastInsertRowid: seq } = insert.run({
      id: row.id,
      at,
      ...said,
      source,
      contradicts: discrepancy === null ? 0 : 1,
    });
    const { status, message, progress, task, podUid } = said;
    writes.append({
      jobId: row.id,
      kind: 'report',
      state: row.state,
      status,
      message,
      progress,
      task,
      podUid,
      discrepancy,
    });
    if (discrepancy !== null) {
      dispute.run(discrepancy, row.id);
      return;
    }
    if (latest.ofTask) latestOfTask.run({ id: row.id, task, seq });
    show.run({
      id: row.id,
      at,
      isLatest: latest.ofJob ? 1 : 0,
      report: JSON.stringify({ status, message, progress, at }),
      result: result === null ? null : JSON.stringify(result),
    });
  }

  /**
   * A word on the way that comes behind the last one, held up or repeated by the network, is kept, but is not what the worker said last.
   * A container that is started again in its pod speaks anew after an ERROR.
   */
  function wasOvertaken(row: SpokenOf, { terminal, task, podUid }: Word['said']): boolean {
    const last = terminal === null ? lastWord.get(row.id, task) : undefined;
    if (last === undefined || last.terminal === null) return false;
    const isOver = last.terminal === SUCCESS || row.spec.restartPolicy === 'Never';
    return isFinal(row.state) || (isOver && podUid !== null && podUid === last.podUid);
  }

  return { addReport, addMessage, countTasks };
}

function toSaid(report: ReportedOutcome & Partial<Pick<ReportInput, 'task' | 'attempt' | 'pod-uid'>>) {
  const { status, message = null, progress = null, task, attempt = null, 'pod-uid': podUid = null } = report;
  return { status, terminal: terminalOf(status), message, progress, task: task ?? 0, attempt, podUid };
}

/** Of many completions a single report says nothing about the whole, so it cannot contradict its end. */
function findContradiction(row: SpokenOf, terminal: TerminalStatus | null): string | null {
  if (!isFinal(row.state) || row.spec.completions > 1) return null;
  const succeeded = row.state === 'SUCCEEDED';
  const contradicts = (terminal === SUCCESS && !succeeded) || (terminal === ERROR && succeeded);
  return contradicts ? `The worker reported ${terminal} after the job had ended as ${row.state}.` : null;
}
