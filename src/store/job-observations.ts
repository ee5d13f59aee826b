import { isDeepStrictEqual } from 'node:util';
import { jobObservationSchema } from '../core/facts.ts';
import type { JobObservation } from '../core/facts.ts';
import { isFinal } from '../core/job-state.ts';
import type { Sql } from './database.ts';
import { toJobFact } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

/** What the watch on Kubernetes Jobs saw. The same look again changes nothing and writes nothing. */
export function createJobObservations({ db, rows, writes, settle }: Parts) {
  const known = db.prepare<[string], string | null>('SELECT observation FROM jobs WHERE id = ?').pluck();
  const update = db.prepare('UPDATE jobs SET observation = ? WHERE id = ? AND gone = 0');
  const gone = db.prepare('UPDATE jobs SET gone = 1 WHERE id = ? AND kubernetes_uid = ? AND gone = 0');

  /** Unknown ids and Jobs that are not this row's own (another uid, or another name) are ignored. */
  function observeJob(id: string, seen: JobObservation): void {
    // By far the most looks, after a restart and at every full compare: they cost one read, and no transaction.
    if (known.get(id) === JSON.stringify(seen)) return;
    const observation = jobObservationSchema.parse(seen);
    writes.transact(() => {
      const row = rows.findRow(id);
      if (row === undefined || row.gone || !isOwn(row, observation) || isSame(row, observation)) return;
      if (row.kubernetes_uid === null) rows.learnUid({ id, uid: observation.uid, now: writes.now() });
      update.run(JSON.stringify(observation), id);
      if (isAsAssumed(row, observation)) return;
      const state = settle(id);
      // The tally of many completions is worth a word even while the state stays.
      if (state === row.state && !isFinal(state) && isTallyNew(row, observation)) {
        const { reason, explanation, discrepancy } = rows.getRow(id);
        writes.append({ jobId: id, kind: 'state', state, reason, explanation, discrepancy });
      }
    });
  }

  /** The Job has left the cluster, by whatever way. */
  function markJobGone(id: string, uid: string): void {
    writes.transact(() => {
      if (gone.run(id, uid).changes === 1) settle(id);
    });
  }

  return { observeJob, markJobGone };
}

/** The uid is learned from the create's answer, or from the first look at our name where the watch is faster. */
function isOwn(row: JobRow, { uid, name, namespace }: JobObservation): boolean {
  if (row.kubernetes_uid !== null) return row.kubernetes_uid === uid;
  return name === row.kubernetes_name && namespace === row.namespace;
}

/** The first look at a Job of which only the create's answer was known: it shows what was taken for granted when the state was last decided. */
function isAsAssumed(row: JobRow, observation: JobObservation): boolean {
  const { createdAt } = observation;
  return isDeepStrictEqual({ ...toJobFact(row), createdAt }, { ...observation, gone: row.gone });
}

function isSame(row: JobRow, observation: JobObservation): boolean {
  return row.observation !== null && JSON.stringify(row.observation) === JSON.stringify(observation);
}

function isTallyNew(row: JobRow, { succeeded, failed }: JobObservation): boolean {
  if (row.spec.completions === 1) return false;
  return succeeded !== (row.observation?.succeeded ?? 0) || failed !== (row.observation?.failed ?? 0);
}
