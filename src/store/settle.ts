import { decide } from '../core/decide.ts';
import type { Decision } from '../core/decide.ts';
import type { JobFacts } from '../core/facts.ts';
import { isFinal, mayFollow } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import { createFactsReader } from './facts.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { Writes } from './writes.ts';

export type Settle = ReturnType<typeof createSettle>;

/**
 * The one place where a job's state changes: load the facts, decide, apply by compare-and-set, tell the history. Runs inside the
 * transaction that has just written a fact; a second run with the same facts changes nothing and writes nothing.
 */
export function createSettle({ db, rows, writes }: { db: Sql; rows: JobRows; writes: Writes }) {
  const loadFacts = createFactsReader(db);
  const update = db.prepare(
    `UPDATE jobs SET state = @state, reason = @reason, explanation = @explanation, discrepancy = @discrepancy,
       started_at = @startedAt, finished_at = @finishedAt
     WHERE id = @id AND state = @from`,
  );

  return function settle(id: string): JobState {
    const row = rows.getRow(id);
    // What comes after the end changes no state.
    if (isFinal(row.state)) return row.state;
    const facts = loadFacts(row);
    const next = toNext(row, decide(facts));
    if (isSame(row, next)) return row.state;
    const now = writes.now();
    const startedAt = row.started_at ?? startOf(facts, next.state, { row, now });
    const { changes } = update.run({
      id,
      from: row.state,
      ...next,
      startedAt,
      finishedAt: isFinal(next.state) ? endOf(facts, { row, now }, startedAt) : null,
    });
    if (changes !== 1) throw new Error(`job ${id} is not ${row.state} any more`);
    const { state, reason, explanation, discrepancy } = next;
    writes.append({ jobId: id, kind: 'state', state, reason, explanation, discrepancy });
    return state;
  };
}

/** No step goes back (RUNNING is kept once seen), and a queued job keeps the dispatcher's word for why it waits. */
function toNext(row: JobRow, decision: Decision): Decision {
  const state = mayFollow(row.state, decision.state) ? decision.state : row.state;
  if (state !== 'QUEUED' || decision.reason !== null) return { ...decision, state };
  return { ...decision, state, reason: row.reason, explanation: row.explanation };
}

function isSame(row: JobRow, next: Decision): boolean {
  return (
    row.state === next.state &&
    row.reason === next.reason &&
    row.explanation === next.explanation &&
    row.discrepancy === next.discrepancy
  );
}

type Frame = { row: JobRow; now: string };

/** When the work began: a container's start, else the worker's first word; null where nothing is known to have run. */
function startOf(facts: JobFacts, state: JobState, frame: Frame): string | null {
  if (state === 'QUEUED' || state === 'CREATED') return null;
  const starts = facts.pods.flatMap((pod) => pod.startedAt ?? []);
  const known = [...starts.map((at) => refine(at, frame)), ...facts.reports.map((report) => report.at)];
  const first = known.toSorted()[0] ?? null;
  if (first !== null || (state !== 'RUNNING' && state !== 'SUCCEEDED')) return first;
  return state === 'RUNNING' ? frame.now : refine(facts.job?.startedAt ?? frame.now, frame);
}

/** When Kubernetes says it ended, since we may learn of it much later; else now. */
function endOf(facts: JobFacts, frame: Frame, startedAt: string | null): string {
  const verdict = facts.job?.conditions.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  const at = facts.job?.completedAt ?? verdict?.at ?? null;
  if (at === null) return frame.now;
  const starts = [startedAt, frame.row.created_at, ...facts.reports.map((report) => report.at)];
  return [refine(at, frame), ...starts.flatMap((start) => start ?? [])].toSorted().at(-1) ?? frame.now;
}

/**
 * Kubernetes writes whole seconds, so our own clock is the finer one for what has just happened; and no time may stand
 * before the job was accepted or lie in the future, or durations would turn negative.
 */
function refine(at: string, { row, now }: Frame): string {
  const time = Date.parse(at);
  if (Number.isNaN(time) || Math.abs(Date.parse(now) - time) < 2000 || time > Date.parse(now)) return now;
  return new Date(Math.max(time, Date.parse(row.created_at))).toISOString();
}
