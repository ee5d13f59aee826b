import { decide } from '../core/decide.ts';
import type { Decision } from '../core/decide.ts';
import { isFinal, mayFollow } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import { toFinishedAt, toStartedAt } from '../core/job-times.ts';
import type { Sql } from './database.ts';
import { createFactsReader } from './facts.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { PodRows } from './pods.ts';
import type { Writes } from './writes.ts';

type Parts = { db: Sql; rows: JobRows; pods: PodRows; writes: Writes };

export type Settle = ReturnType<typeof createSettle>;

/**
 * The one place where a job's state changes: load the facts, decide, apply by compare-and-set, tell the history. Runs inside the
 * transaction that has just written a fact; a second run with the same facts changes nothing and writes nothing.
 */
export function createSettle({ db, rows, pods, writes }: Parts) {
  const loadFacts = createFactsReader({ db, pods });
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
    const frame = { acceptedAt: row.created_at, now: writes.now() };
    const startedAt = row.started_at ?? toStartedAt(facts, next.state, frame);
    const { changes } = update.run({
      id,
      from: row.state,
      ...next,
      startedAt,
      finishedAt: isFinal(next.state) ? toFinishedAt(facts, startedAt, frame) : null,
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
