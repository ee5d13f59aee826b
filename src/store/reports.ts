import { isFinal } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import { ERROR, SUCCESS, terminalOf } from '../core/report.ts';
import type { ReportInput, TerminalStatus } from '../core/report.ts';
import { createClaims } from './claims.ts';
import type { Sql } from './database.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

export type ReportOutcome =
  | { kind: 'kept'; state: JobState }
  | { kind: 'contradicts'; state: JobState }
  | { kind: 'claimed-by-another-pod' }
  | { kind: 'unknown-task' }
  | { kind: 'unknown-job' };

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

export function createReports({ db, rows, writes, settle }: Parts) {
  const claim = createClaims({ db, writes });
  const insert = db.prepare(
    `INSERT INTO reports (job_id, at, status, terminal, message, progress, task, attempt, pod_uid, contradicts)
     VALUES (@id, @at, @status, @terminal, @message, @progress, @task, @attempt, @podUid, @contradicts)`,
  );
  const latestOfTask = db.prepare(
    `INSERT INTO task_reports (job_id, task, seq) VALUES (@id, @task, @seq)
     ON CONFLICT (job_id, task) DO UPDATE SET seq = excluded.seq`,
  );
  // Who reports has been started, even where a restored backup has forgotten that a create was ever sent.
  const latest = db.prepare(
    `UPDATE jobs SET report = @report, result = coalesce(@result, result), claimed_at = coalesce(claimed_at, @at) WHERE id = @id`,
  );
  const lastWord = db.prepare<[string, number], { terminal: TerminalStatus | null; podUid: string | null }>(
    `SELECT terminal, pod_uid AS podUid FROM reports
     WHERE seq = (SELECT seq FROM task_reports WHERE job_id = ? AND task = ?)`,
  );
  const dispute = db.prepare('UPDATE jobs SET discrepancy = coalesce(discrepancy, ?) WHERE id = ?');

  /** What the worker says of its work. After the end nothing changes the state; a word against the end is kept as `discrepancy`. */
  function addReport(report: ReportInput): ReportOutcome {
    return writes.transact(() => {
      const row = rows.findRow(report['job-id']);
      return row === undefined ? { kind: 'unknown-job' } : add(row, report);
    });
  }

  function add(row: JobRow, report: ReportInput): ReportOutcome {
    const said = toSaid(report);
    const { podUid, task } = said;
    if (task >= row.spec.completions) return { kind: 'unknown-task' };
    if (podUid !== null && !claim(row, { task, podUid })) return { kind: 'claimed-by-another-pod' };
    const discrepancy = findContradiction(row, said.terminal);
    const isOvertaken = wasOvertaken(row, said);
    const at = writes.now();
    const { lastInsertRowid: seq } = insert.run({
      id: row.id,
      at,
      ...said,
      contradicts: discrepancy === null ? 0 : 1,
    });
    const { status, message, progress } = said;
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
      return { kind: 'contradicts', state: row.state };
    }
    if (isOvertaken) return { kind: 'kept', state: settle(row.id) };
    latestOfTask.run({ id: row.id, task, seq });
    latest.run({
      id: row.id,
      at,
      report: JSON.stringify({ status, message, progress, at }),
      result: report.result === undefined || report.result === null ? null : JSON.stringify(report.result),
    });
    return { kind: 'kept', state: settle(row.id) };
  }

  /**
   * A word on the way that comes behind the last one, held up or repeated by the network, is kept, but is not what the worker said last.
   * A container that is started again in its pod speaks anew after an ERROR.
   */
  function wasOvertaken(row: JobRow, { terminal, task, podUid }: Said): boolean {
    const last = terminal === null ? lastWord.get(row.id, task) : undefined;
    if (last === undefined || last.terminal === null) return false;
    const isOver = last.terminal === SUCCESS || row.spec.restartPolicy === 'Never';
    return isFinal(row.state) || (isOver && podUid !== null && podUid === last.podUid);
  }

  return { addReport };
}

type Said = ReturnType<typeof toSaid>;

function toSaid(report: ReportInput) {
  const { status, message = null, progress = null, task, attempt = null, 'pod-uid': podUid = null } = report;
  return { status, terminal: terminalOf(status), message, progress, task: task ?? 0, attempt, podUid };
}

/** Of many completions a single report says nothing about the whole, so it cannot contradict its end. */
function findContradiction(row: JobRow, terminal: TerminalStatus | null): string | null {
  if (!isFinal(row.state) || row.spec.completions > 1) return null;
  const succeeded = row.state === 'SUCCEEDED';
  const contradicts = (terminal === SUCCESS && !succeeded) || (terminal === ERROR && succeeded);
  return contradicts ? `The worker reported ${terminal} after the job had ended as ${row.state}.` : null;
}
