import { z } from 'zod';
import { jobSpecSchema } from '../core/job-request.ts';
import type { JobSpec } from '../core/job-request.ts';
import type { Sql } from './database.ts';
import { flag, jsonColumn } from './job-row.ts';
import type { JobRows } from './jobs.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

/** A job whose create is still to be settled. With `claimedAt` it may have been sent before: the same name again. */
export type DispatchItem = {
  id: string;
  name: string;
  spec: JobSpec;
  namespace: string;
  generateName: string;
  kubernetesName: string;
  claimedAt: string | null;
  cancelRequested: boolean;
};

const itemSchema = z.object({
  id: z.string(),
  name: z.string(),
  spec: jsonColumn(jobSpecSchema),
  namespace: z.string(),
  generateName: z.string(),
  kubernetesName: z.string(),
  claimedAt: z.string().nullable(),
  cancelRequested: flag,
});

type Parts = { db: Sql; rows: JobRows; writes: Writes; settle: Settle };

/** The queue and the outcomes of creates. An outcome is settled once; the first one stays. */
export function createDispatchQueue({ db, rows, writes, settle }: Parts) {
  const next = db.prepare<[], { id: string; claimedAt: string | null }>(
    `SELECT id, name, spec, namespace, generate_name AS generateName, kubernetes_name AS kubernetesName,
       claimed_at AS claimedAt, cancel_requested_at IS NOT NULL AS cancelRequested
     FROM jobs WHERE finished_at IS NULL AND dispatch IS NULL ORDER BY claimed_at IS NULL, priority DESC, number`,
  );
  // Of each state it is kept how many there are, and of what has no outcome yet there are few: so this costs the same with any number of jobs.
  const places = db.prepare<[], { live: number; queued: number; early: number }>(
    `SELECT (SELECT sum(jobs) FROM job_counts WHERE state IN ('CREATED', 'RUNNING')) AS live,
       count(*) FILTER (WHERE state = 'QUEUED') AS queued, count(*) FILTER (WHERE state <> 'QUEUED') AS early
     FROM jobs WHERE finished_at IS NULL AND dispatch IS NULL AND (claimed_at IS NULL) = 0`,
  );
  const foremost = db
    .prepare<[], number>(
      `SELECT priority FROM jobs WHERE finished_at IS NULL AND dispatch IS NULL AND (claimed_at IS NULL) = 1
       ORDER BY priority DESC LIMIT 1`,
    )
    .pluck();
  const wanted = db
    .prepare(
      'SELECT 1 FROM jobs WHERE id = ? AND finished_at IS NULL AND dispatch IS NULL AND cancel_requested_at IS NULL',
    )
    .pluck();
  const claim = db.prepare(
    `UPDATE jobs SET claimed_at = coalesce(claimed_at, ?) WHERE id = ? AND finished_at IS NULL AND dispatch IS NULL`,
  );
  const release = db.prepare(
    `UPDATE jobs SET claimed_at = NULL
     WHERE id = ? AND state = 'QUEUED' AND dispatch IS NULL AND kubernetes_uid IS NULL`,
  );
  const failed = db.prepare(
    `UPDATE jobs SET dispatch = @kind, dispatch_reason = @reason, dispatch_message = @message
     WHERE id = @id AND dispatch IS NULL AND claimed_at IS NOT NULL AND finished_at IS NULL`,
  );
  const rename = db.prepare('UPDATE jobs SET kubernetes_name = ? WHERE id = ? AND dispatch IS NULL');
  const note = db.prepare(
    `UPDATE jobs SET reason = @reason, explanation = @explanation
     WHERE id = @id AND state = 'QUEUED' AND (reason IS NOT @reason OR explanation IS NOT @explanation)`,
  );

  /**
   * What has no outcome yet. First what is claimed already, in this life of the process or an earlier one: it holds a place
   * that only its outcome gives back. Then, `room` of them at most, by priority and age. `except` names those that the caller has in its
   * hands, so that they do not stand in the way of others.
   */
  function nextToDispatch(
    limit: number,
    except: ReadonlySet<string> = new Set(),
    room = Infinity,
  ): DispatchItem[] {
    const items: DispatchItem[] = [];
    let unclaimed = 0;
    for (const row of next.iterate()) {
      if (items.length >= limit) break;
      if (row.claimedAt === null && unclaimed >= room) break;
      if (except.has(row.id)) continue;
      if (row.claimedAt === null) unclaimed += 1;
      items.push(itemSchema.parse(row));
    }
    return items;
  }

  /** The highest priority of what nobody has claimed; null where nothing waits. */
  function foremostPriority(): number | null {
    return foremost.get() ?? null;
  }

  /** Jobs that hold a place: claimed and not final. */
  function countInCluster(): number {
    const { live, queued } = countPlaces();
    return live + queued;
  }

  /** Those of them whose Kubernetes Job is known to exist. A report may come before the create's answer: it runs, and is not known yet. */
  function countCreated(): number {
    const { live, early } = countPlaces();
    return live - early;
  }

  function countPlaces() {
    const counts = places.get();
    if (counts === undefined) throw new Error('a count without GROUP BY is one row');
    return counts;
  }

  /** Commits the claim before anything is sent; false where the job was cancelled, ended or settled meanwhile. */
  function claimDispatch(id: string): boolean {
    return writes.transact(() => claim.run(writes.now(), id).changes === 1);
  }

  /** Several in one transaction; those that could be claimed. */
  function claimTogether(items: readonly DispatchItem[]): DispatchItem[] {
    return writes.transact(() => items.filter(({ id }) => claimDispatch(id)));
  }

  /** False where a claimed job was cancelled, ended or settled meanwhile. */
  function isStillWanted(id: string): boolean {
    return wanted.get(id) !== undefined;
  }

  /** Takes the claim back where it is certain that nothing was created: the job waits as if it had never been sent. */
  function releaseClaim(id: string): void {
    writes.transact(() => {
      if (release.run(id).changes === 1) settle(id);
    });
  }

  function releaseTogether(ids: readonly string[]): void {
    writes.transact(() => ids.forEach(releaseClaim));
  }

  function settleCreated(id: string, { uid }: { uid: string }): void {
    writes.transact(() => {
      if (rows.learnUid({ id, uid, now: writes.now() })) settle(id);
    });
  }

  /** Refused for good, with the server's own message: the job ends FAILED. */
  function settleRefused(id: string, { reason, message }: { reason: string; message: string }): void {
    settleFailed({ id, kind: 'refused', reason, message });
  }

  /** Nobody can tell any more whether the create took place: the job ends LOST, and is never sent a second time. */
  function settleUnknown(id: string, { message }: { message: string }): void {
    settleFailed({ id, kind: 'unknown', reason: null, message });
  }

  function settleFailed(outcome: {
    id: string;
    kind: 'refused' | 'unknown';
    reason: string | null;
    message: string;
  }): void {
    writes.transact(() => {
      if (failed.run(outcome).changes === 1) settle(outcome.id);
    });
  }

  /** After its name was found taken by a foreign object. */
  function renameJob(id: string, { kubernetesName }: { kubernetesName: string }): void {
    writes.transact(() => rename.run(kubernetesName, id));
  }

  /** Why a queued job waits, such as `QuotaExceeded`; said once, not at every attempt. */
  function noteQueued(id: string, { reason, explanation }: { reason: string; explanation: string }): void {
    writes.transact(() => {
      if (note.run({ id, reason, explanation }).changes === 0) return;
      const { state, discrepancy } = rows.getRow(id);
      writes.append({ jobId: id, kind: 'state', state, reason, explanation, discrepancy });
    });
  }

  return {
    nextToDispatch,
    countInCluster,
    countCreated,
    foremostPriority,
    claimDispatch,
    claimTogether,
    isStillWanted,
    releaseClaim,
    releaseTogether,
    settleCreated,
    settleRefused,
    settleUnknown,
    renameJob,
    noteQueued,
  };
}
