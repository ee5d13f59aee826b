import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { Kube } from '../kube/cluster.ts';
import { isNotStarted } from '../kube/pod-log.ts';
import { withTimeLimit } from '../kube/time-limit.ts';
import type { LogToKeep } from '../store/logs.ts';
import type { Store } from '../store/store.ts';
import { readClipped } from './clipped-log.ts';
import { toPauseMs } from './pacing.ts';

const firstTriesAtOnce = 4;
const retriesAtOnce = 2;
/** What is looked through in one turn of the event loop. */
const pageSize = 5000;
/** The longest that a pod on its way out is listened to, and that a log may take to come. */
const longestReadMs = 60_000;
/** What takes longer goes on, and gives its place to another. */
const usualPatienceMs = 5000;

/**
 * Fetches the log of each pod that has ended, once, since it goes with the pod. One that is being deleted (a deadline, a
 * cancel) is listened to until its end, for its last words leave the cluster as soon as they are spoken. Where a container is started
 * again in its pod, each run is fetched once it is over: the cluster keeps no more than the one before the latest.
 *
 * What failed is tried again in places of its own, and what takes long gives up its place: a kubelet that is away, or a pod that is slow to
 * leave, lets each read wait to its limit, and a log that can be read must not stand behind those that cannot. So there are at most as many
 * reads under way as begin within that limit.
 */
export function createLogKeeper({
  store,
  kube,
  log,
  clock,
  signal,
  patienceMs = usualPatienceMs,
}: {
  store: Store;
  kube: Kube;
  log: Logger;
  clock: () => Date;
  signal: AbortSignal;
  patienceMs?: number;
}) {
  /** Reads under way, by the number of the pod. */
  const underWay = new Map<number, Promise<void>>();
  /** Those of them that hold a place. */
  const firstTries = new Set<number>();
  const retries = new Set<number>();
  const failures = new Map<number, { count: number; retryAt: number }>();
  const listeners = new Set<() => void>();

  /** Starts what there is room for, and does not wait for the end: a terminating pod may speak for a while yet. */
  async function runOnce(): Promise<{ started: number }> {
    const started = await startFirstTries();
    return { started: started + startRetries() };
  }

  async function startFirstTries(): Promise<number> {
    const listed = new Set<number>();
    let started = 0;
    for (let after = 0; firstTries.size < firstTriesAtOnce && !signal.aborted;) {
      const page = store.listLogsToKeep({ after, limit: pageSize });
      const last = page.at(-1);
      if (last === undefined) {
        forgetAllBut(listed);
        break;
      }
      for (const number of page) {
        listed.add(number);
        const isKnown = underWay.has(number) || failures.has(number);
        if (!isKnown && firstTries.size < firstTriesAtOnce && start(number, firstTries)) started += 1;
      }
      after = last;
      await nextTurn();
    }
    return started;
  }

  function startRetries(): number {
    let started = 0;
    for (let room = retriesAtOnce - retries.size; room > 0 && !signal.aborted; room -= 1) {
      const number = findRetry(clock().getTime());
      if (number !== undefined && start(number, retries)) started += 1;
    }
    return started;
  }

  /** The one that failed least often: what is out of reach for long does not delay what merely stumbled. Then the one that is due for longest. */
  function findRetry(now: number): number | undefined {
    let next: { number: number; count: number; retryAt: number } | undefined;
    for (const [number, { count, retryAt }] of failures) {
      if (retryAt > now || underWay.has(number)) continue;
      const isSooner = next === undefined || (count - next.count || retryAt - next.retryAt) < 0;
      if (isSooner) next = { number, count, retryAt };
    }
    return next?.number;
  }

  function start(number: number, places: Set<number>): boolean {
    const item = store.findLogToKeep(number);
    if (item === undefined) {
      failures.delete(number);
      return false;
    }
    places.add(number);
    const timer = setTimeout(() => leave(number, places), patienceMs);
    timer.unref();
    const work = keep(item).finally(() => {
      clearTimeout(timer);
      underWay.delete(number);
      leave(number, places);
    });
    underWay.set(number, work);
    return true;
  }

  function leave(number: number, places: Set<number>): void {
    // A retry that fails calls for no other: they go at the pace of the loop, and of what succeeds.
    if (!places.delete(number) || places === retries) return;
    for (const listener of listeners) listener();
  }

  /** A pod may leave while its log is waiting for another try. */
  function forgetAllBut(listed: ReadonlySet<number>): void {
    for (const number of failures.keys()) if (!listed.has(number)) failures.delete(number);
  }

  async function keep(item: LogToKeep): Promise<void> {
    try {
      await fetchAll(item);
      failures.delete(item.number);
    } catch (err) {
      if (!signal.aborted) fail(item, err);
    }
  }

  async function fetchAll(item: LogToKeep): Promise<void> {
    try {
      if (item.runsOver > item.runsKept) await keepRun(item);
      if (!item.ended && !item.leaving) return;
      const text = await read(item);
      // Stopped in the middle, it is left to the next start.
      signal.throwIfAborted();
      store.keepLog({ ...item, text });
    } catch (err) {
      if (signal.aborted || !(err instanceof AppError && isThereNone(err))) throw err;
      store.markLogUnavailable(item.podUid);
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

  function fail({ number, jobId, pod }: LogToKeep, err: unknown): void {
    const count = (failures.get(number)?.count ?? 0) + 1;
    failures.set(number, { count, retryAt: clock().getTime() + toPauseMs(count) });
    log.warn({ err, jobId, pod, count }, 'a log could not be fetched, and is tried again');
  }

  return {
    runOnce,
    /** Called when a first try has given up its place, so that there is room for another; returns the way to stop that. */
    onRoom(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Resolves when the log of the pod with this number is not being read, and what was read of it is in the store. */
    untilRead: async (number: number): Promise<void> => underWay.get(number),
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
