import type { Logger } from 'pino';
import type { Kube } from '../kube/cluster.ts';
import type { Store } from '../store/store.ts';

/** A Job that still stands so long after it was deleted is deleted again. */
const repeatAfterMs = 30_000;

/** Carries out cancels: deletes the Job by its uid. The job's end comes when the watch has seen Job and pods leave. */
export function createCanceller({
  store,
  kube,
  log,
  clock,
  signal,
  beforeDelete,
}: {
  store: Store;
  kube: Kube;
  log: Logger;
  clock: () => Date;
  signal: AbortSignal;
  /** Given the uid of the Job; a delete waits for it. */
  beforeDelete: (uid: string) => Promise<void>;
}) {
  let deletedAt = new Map<string, number>();

  async function carryOut({
    id,
    kubernetesName,
    uid,
  }: {
    id: string;
    kubernetesName: string;
    uid: string;
  }): Promise<boolean> {
    try {
      await beforeDelete(uid);
      const outcome = await kube.deleteJob(kubernetesName, uid, signal);
      deletedAt.set(id, clock().getTime());
      log.info({ jobId: id, outcome }, 'cancel carried out');
      return true;
    } catch (err) {
      if (!signal.aborted) log.warn({ err, jobId: id }, 'a cancel failed, and is tried again');
      return false;
    }
  }

  async function runOnce(): Promise<{ deleted: number; failed: number }> {
    const now = clock().getTime();
    const asked = store.listCancelsToCarryOut();
    // Only of those that still wait, so that the map does not grow.
    deletedAt = new Map(
      asked.flatMap(({ id }) => {
        const at = deletedAt.get(id);
        return at === undefined ? [] : [[id, at] as const];
      }),
    );
    const due = asked.filter(({ id }) => now - (deletedAt.get(id) ?? -Infinity) >= repeatAfterMs);
    const done = await Promise.all(due.map(carryOut));
    const deleted = done.filter(Boolean).length;
    return { deleted, failed: done.length - deleted };
  }

  return { runOnce };
}
