import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { Kube } from '../kube/cluster.ts';
import { isNotStarted } from '../kube/pod-log.ts';
import { withTimeLimit } from '../kube/time-limit.ts';
import type { LogToKeep } from '../store/logs.ts';
import type { Store } from '../store/store.ts';
import { readClipped } from './clipped-log.ts';
import { toPauseMs } from './pacing.ts';

const readsAtOnce = 4;
/** The longest that a pod on its way out is listened to, and that a log may take to come. */
const longestReadMs = 60_000;

/**
 * Fetches the log of each pod that has ended, once, since it goes with the pod. One that is being deleted (a deadline, a
 * cancel) is listened to until its end, for its last words leave the cluster as soon as they are spoken. Where a container is started
 * again in its pod, each run is fetched once it is over: the cluster keeps no more than the one before the latest.
 */
export function createLogKeeper({
  store,
  kube,
  log,
  clock,
  signal,
}: {
  store: Store;
  kube: Kube;
  log: Logger;
  clock: () => Date;
  signal: AbortSignal;
}) {
  const underWay = new Map<string, Promise<void>>();
  const failures = new Map<string, { count: number; retryAt: number }>();

  /** Starts what there is room for, and does not wait for the end: a terminating pod may speak for a while yet. */
  function runOnce(): { started: number } {
    const now = clock().getTime();
    const isDue = ({ podUid }: LogToKeep) =>
      !underWay.has(podUid) && (failures.get(podUid)?.retryAt ?? 0) <= now;
    const room = readsAtOnce - underWay.size;
    if (room <= 0 || signal.aborted) return { started: 0 };
    // Those in hand and those that wait for another try are still listed, and must not hide the others.
    const listed = store.listLogsToKeep(readsAtOnce + underWay.size + failures.size);
    forgetAllBut(listed);
    const due = listed.filter(isDue).slice(0, room);
    for (const item of due) {
      underWay.set(
        item.podUid,
        keep(item).finally(() => underWay.delete(item.podUid)),
      );
    }
    return { started: due.length };
  }

  /** A pod may leave while its log is waiting for another try. */
  function forgetAllBut(listed: LogToKeep[]): void {
    const waiting = new Set(listed.map(({ podUid }) => podUid));
    for (const podUid of failures.keys()) if (!waiting.has(podUid)) failures.delete(podUid);
  }

  async function keep(item: LogToKeep): Promise<void> {
    try {
      if (item.runsOver > item.runsKept) await keepRun(item);
      if (item.ended || item.leaving) {
        const text = await read(item);
        // Stopped in the middle, it is left to the next start.
        signal.throwIfAborted();
        store.keepLog({ ...item, text });
      }
      failures.delete(item.podUid);
    } catch (err) {
      if (!signal.aborted) fail(item, err);
    }
  }

  async function keepRun(item: LogToKeep): Promise<void> {
    try {
      const text = await withTimeLimit({ signal, ms: longestReadMs }, (limit) =>
        readClipped(kube.readPodLog({ pod: item.pod, follow: false, previous: true }, limit)),
      );
      store.keepRun({ ...item, run: item.runsOver, text });
    } catch (err) {
      // It has left the cluster: there will be no better answer.
      if (!(err instanceof AppError && (isThereNone(err) || err.code === 'invalid'))) throw err;
      store.keepRun({ ...item, run: item.runsOver, text: Buffer.alloc(0) });
    }
  }

  function read({ pod, ended }: LogToKeep): Promise<Buffer> {
    return withTimeLimit({ signal, ms: longestReadMs }, (limit) =>
      // Of a pod that is slow to leave, what was heard so far is worth keeping; one that has ended is read again.
      readClipped(kube.readPodLog({ pod, follow: !ended }, limit), ended ? {} : { limit }),
    );
  }

  function fail({ podUid, jobId, pod }: LogToKeep, err: unknown): void {
    if (err instanceof AppError && isThereNone(err)) {
      failures.delete(podUid);
      store.markLogUnavailable(podUid);
      return;
    }
    const count = (failures.get(podUid)?.count ?? 0) + 1;
    failures.set(podUid, { count, retryAt: clock().getTime() + toPauseMs(count) });
    log.warn({ err, jobId, pod, count }, 'a log could not be fetched, and is tried again');
  }

  return {
    runOnce,
    /** Resolves when no log is being read. */
    async idle(): Promise<void> {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}

/** The pod is gone, or its container never started and, since the pod has ended, never will. */
function isThereNone(error: AppError): boolean {
  return error.code === 'not-found' || isNotStarted(error);
}
