import { decide } from '../core/decide.ts';
import { isFinal } from '../core/job-state.ts';
import { toStartedAt } from '../core/job-times.ts';
import type { Sql } from './database.ts';
import { createFactsReader } from './facts.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { PodRows } from './pods.ts';
import type { Writes } from './writes.ts';

/**
 * Jobs and pods are seen by two watches, so that a Job's end can overtake its pod's. What the pod tells then changes no state any more,
 * but it says when the work began, and best why it failed: without it a container that was killed for its memory would only have
 * failed too often. Runs inside the transaction that has just written what was seen of the pod.
 */
export function createLateNews(parts: { db: Sql; rows: JobRows; pods: PodRows; writes: Writes }) {
  const { db, rows, writes } = parts;
  const loadFacts = createFactsReader(parts);
  const begin = db.prepare('UPDATE jobs SET started_at = ? WHERE id = ? AND started_at IS NULL');
  const explain = db.prepare(
    `UPDATE jobs SET reason = @reason, explanation = @explanation WHERE id = @id AND state = 'FAILED'`,
  );

  function explainLate(row: JobRow): void {
    const { state, reason, explanation } = decide(loadFacts(row));
    if (state !== row.state || (reason === row.reason && explanation === row.explanation)) return;
    explain.run({ id: row.id, reason, explanation });
    writes.append({
      jobId: row.id,
      kind: 'state',
      state,
      reason,
      explanation,
      discrepancy: row.discrepancy,
    });
  }

  return function learnLate(id: string): void {
    const row = rows.getRow(id);
    if (!isFinal(row.state)) return;
    if (row.started_at === null) {
      // It did not begin after its end.
      const frame = { acceptedAt: row.created_at, now: row.finished_at ?? writes.now() };
      begin.run(toStartedAt(loadFacts(row), row.state, frame), id);
    }
    if (row.state === 'FAILED') explainLate(row);
  };
}
