import type { Sql } from './database.ts';

type PodName = { uid: string; name: string; index: number };

export type Unsettled = {
  id: string;
  namespace: string;
  kubernetesName: string;
  uid: string | null;
  pods: PodName[];
};

/** What the cluster should still have: the other half of a full compare. */
export function createUnsettledList(db: Sql) {
  // Each arm has a partial index of its own, so that a million finished rows cost nothing.
  const unsettled = db.prepare<[], Omit<Unsettled, 'pods'>>(
    `SELECT id, namespace, kubernetes_name AS kubernetesName, kubernetes_uid AS uid FROM jobs WHERE number IN (
       SELECT number FROM jobs WHERE claimed_at IS NOT NULL AND finished_at IS NULL
       UNION SELECT number FROM jobs WHERE finished_at IS NOT NULL AND kubernetes_uid IS NOT NULL AND gone = 0
       UNION SELECT jobs.number FROM pods JOIN jobs ON jobs.id = pods.job_id WHERE pods.gone = 0)
     ORDER BY number`,
  );
  const present = db.prepare<[], PodName & { jobId: string }>(
    `SELECT job_id AS jobId, uid, name, task AS "index" FROM pods WHERE gone = 0 ORDER BY number`,
  );

  /** Claimed jobs without an end, and ended ones whose Kubernetes Job or pods are not known to be gone. Two queries, whatever their number. */
  return function listUnsettled(): Unsettled[] {
    const pods = Map.groupBy(present.iterate(), ({ jobId }) => jobId);
    return unsettled.all().map((job) => ({
      ...job,
      pods: (pods.get(job.id) ?? []).map(({ uid, name, index }) => ({ uid, name, index })),
    }));
  };
}
