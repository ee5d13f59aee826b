import type { Logger } from 'pino';
import type { Kube } from '../kube/cluster.ts';
import type { Store } from '../store/store.ts';
import { toPauseMs } from './pacing.ts';

/** A Job that still stands so long after it was deleted is deleted again. */
const repeatAfterMs = 30_000;

/** Failures in a row, and the time before which there is no other try. */
type Try = { failures: number; retryAt: number };
type Cancel = ReturnType<Store['listCancelsToCarryOut']>[number];

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
  let tries = new Map<string, Try>();

  async function carryOut({ id, kubernetesName, uid }: Cancel): Promise<boolean> {
    try {
      await beforeDelete(uid);
      const outcome = await kube.deleteJob(kubernetesName, uid, signal);
      tries.set(id, { failures: 0, retryAt: clock().getTime() + repeatAfterMs });
      log.info({ jobId: id, outcome }, 'cancel carried out');
      return true;
    } catch (err) {
      if (signal.aborted) return false;
      const failures = (tries.get(id)?.failures ?? 0) + 1;
      tries.set(id, { failures, retryAt: clock().getTime() + toPauseMs(failures) });
      log.warn({ err, jobId: id, failures }, 'a cancel failed, and is tried again');
      return false;
    }
  }

  async function runOnce(): Promise<{ deleted: number; failed: number }> {
    const now = clock().getTime();
    const asked = store.listCancelsToCarryOut();
    // Only of those that still wait, so that the map does not grow.
    const waiting = new Set(asked.map(({ id }) => id));
    tries = new Map([...tries].filter(([id]) => waiting.has(id)));
    const due = asked.filter(({ id }) => (tries.get(id)?.retryAt ?? 0) <= now);
    const done = await Promise.all(due.map(carryOut));
    const deleted = done.filter(Boolean).length;
    return { deleted, failed: done.length - deleted };
  }

  return {
    runOnce,
    /** How many cancels failed at their last try. */
    failing: () => [...tries.values()].filter(({ failures }) => failures > 0).length,
  };
}
