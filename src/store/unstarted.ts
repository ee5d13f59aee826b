import { z } from 'zod';
import { isForWantOfQuota } from '../core/explain.ts';
import type { Sql } from './database.ts';
import { flag } from './job-row.ts';
import type { Settle } from './settle.ts';
import type { Writes } from './writes.ts';

const unstartedSchema = z
  .object({
    number: z.int(),
    id: z.string(),
    uid: z.string(),
    hasPod: flag,
    podRefusal: z.string().nullable(),
  })
  .transform(({ podRefusal, ...job }) => ({
    ...job,
    waitsForQuota: !job.hasPod && podRefusal !== null && isForWantOfQuota(podRefusal),
  }));

/** A job whose Kubernetes Job exists, and of which nothing has run or spoken; with the Job's uid. */
export type Unstarted = z.output<typeof unstartedSchema>;

type Parts = { db: Sql; writes: Writes; settle: Settle };

/** Jobs that wait in the cluster, and what Kubernetes says of those for which it could make no pod. */
export function createUnstarted({ db, writes, settle }: Parts) {
  const unstarted = db.prepare(
    `SELECT number, id, kubernetes_uid AS uid, EXISTS (SELECT 1 FROM pods WHERE pods.job_id = jobs.id) AS hasPod,
       pod_refusal AS podRefusal
     FROM jobs
     WHERE state = 'CREATED' AND number > +? AND cancel_requested_at IS NULL AND kubernetes_uid IS NOT NULL
     ORDER BY number LIMIT +?`,
  );
  const refuse = db.prepare('UPDATE jobs SET pod_refusal = ? WHERE id = ?');

  /** A page of them, the oldest first, of those that come after this number. What somebody wants to be gone is left out. */
  function listUnstarted({ after, limit }: { after: number; limit: number }): Unstarted[] {
    return unstarted.all(after, limit).map((row) => unstartedSchema.parse(row));
  }

  /** The latest word on why no pod could be made. */
  function keepPodRefusal(id: string, message: string): void {
    writes.transact(() => {
      if (refuse.run(message, id).changes === 1) settle(id);
    });
  }

  return { listUnstarted, keepPodRefusal };
}
