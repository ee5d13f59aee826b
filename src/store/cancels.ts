import type { CancelFact } from '../core/facts.ts';
import { isFinal } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import type { JobRows } from './jobs.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

export type CancelOutcome = 'cancelled' | 'requested' | 'already-cancelled' | 'ended' | 'unknown-job';

/** A Kubernetes Job that is to be deleted, by its uid. */
export type CancelItem = { id: string; namespace: string; kubernetesName: string; uid: string };

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

export function createCancels({ db, rows, writes, settle }: Parts) {
  const request = db.prepare(
    'UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ?), cancel_cause = ? WHERE id = ?',
  );
  const open = db.prepare<[], CancelItem>(
    `SELECT id, namespace, kubernetes_name AS kubernetesName, kubernetes_uid AS uid FROM jobs
     WHERE cancel_requested_at IS NOT NULL AND finished_at IS NULL AND kubernetes_uid IS NOT NULL AND gone = 0
     ORDER BY number`,
  );

  /** A job that no dispatch has claimed ends at once; a claimed one ends when it has left the cluster. */
  function requestCancel(id: string, cause: CancelFact['cause']): CancelOutcome {
    return writes.transact(() => {
      const row = rows.findRow(id);
      if (row === undefined) return 'unknown-job';
      if (row.state === 'CANCELLED') return 'already-cancelled';
      if (isFinal(row.state)) return 'ended';
      // A person's wish outranks the start deadline, whichever came first.
      if (row.cancel_cause === 'User' || row.cancel_cause === cause) return 'requested';
      request.run(writes.now(), cause, id);
      writes.append({ jobId: id, kind: 'cancel', state: row.state, reason: cause });
      return isFinal(settle(id)) ? 'cancelled' : 'requested';
    });
  }

  function listCancelsToCarryOut(): CancelItem[] {
    return open.all();
  }

  return { requestCancel, listCancelsToCarryOut };
}
