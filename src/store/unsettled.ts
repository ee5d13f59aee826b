import { z } from 'zod';
import type { Sql } from './database.ts';

const unsettledSchema = z.object({
  id: z.string(),
  namespace: z.string(),
  kubernetesName: z.string(),
  uid: z.string().nullable(),
});

const podSchema = z.object({ uid: z.string(), name: z.string(), index: z.int() });

export type Unsettled = z.output<typeof unsettledSchema> & { pods: z.output<typeof podSchema>[] };

/** What the cluster should still have: the other half of a full compare. */
export function createUnsettledList(db: Sql) {
  // Each arm has a partial index of its own, so that a million finished rows cost nothing.
  const unsettled = db.prepare(
    `SELECT id, namespace, kubernetes_name AS kubernetesName, kubernetes_uid AS uid FROM jobs WHERE number IN (
       SELECT number FROM jobs WHERE claimed_at IS NOT NULL AND finished_at IS NULL
       UNION SELECT number FROM jobs WHERE finished_at IS NOT NULL AND kubernetes_uid IS NOT NULL AND gone = 0
       UNION SELECT jobs.number FROM pods JOIN jobs ON jobs.id = pods.job_id WHERE pods.gone = 0)
     ORDER BY number`,
  );
  const podsOf = db.prepare(
    `SELECT uid, name, task AS "index" FROM pods WHERE job_id = ? AND gone = 0 ORDER BY number`,
  );

  /** Claimed jobs without an end, and ended ones whose Kubernetes Job or pods are not known to be gone. */
  return function listUnsettled(): Unsettled[] {
    return unsettled.all().map((row) => {
      const job = unsettledSchema.parse(row);
      return { ...job, pods: podsOf.all(job.id).map((pod) => podSchema.parse(pod)) };
    });
  };
}
