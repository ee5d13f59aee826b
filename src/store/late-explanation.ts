import { decide } from '../core/decide.ts';
import type { Sql } from './database.ts';
import { createFactsReader } from './facts.ts';
import type { JobRows } from './jobs.ts';
import type { PodRows } from './pods.ts';
import type { Writes } from './writes.ts';

/**
 * Jobs and pods are seen by two watches, so that a Job's failure can overtake the end of its pod. That end changes no state any more, but
 * it says best why: without it a container that was killed for its memory would only have failed too often. Runs inside the
 * transaction that has just written what was seen of the pod.
 */
export function createLateExplanation(parts: { db: Sql; rows: JobRows; pods: PodRows; writes: Writes }) {
  const { db, rows, writes } = parts;
  const loadFacts = createFactsReader(parts);
  const update = db.prepare(
    `UPDATE jobs SET reason = @reason, explanation = @explanation WHERE id = @id AND state = 'FAILED'`,
  );

  return function explainLate(id: string): void {
    const row = rows.getRow(id);
    if (row.state !== 'FAILED') return;
    const { state, reason, explanation } = decide(loadFacts(row));
    if (state !== row.state || (reason === row.reason && explanation === row.explanation)) return;
    update.run({ id, reason, explanation });
    writes.append({ jobId: id, kind: 'state', state, reason, explanation, discrepancy: row.discrepancy });
  };
}
