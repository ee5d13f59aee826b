import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { Kube } from '../kube/cluster.ts';
import type { SeenJob, SeenPod } from '../kube/observation.ts';
import type { Store } from '../store/store.ts';
import { readClipped } from './clipped-log.ts';

/** So long before a deadline a pod is listened to; its Job is deleted by the second. */
const aheadMs = 3000;
/** The longest that a pod is listened to: the time ahead, its grace period, and some more. */
const longestMs = 60_000;
const listenersAtMost = 32;
/** How long a delete waits for the log of a silent pod to be open. */
const openingMs = 250;
/** How long the end of a log may come before the watch tells why. */
const verdictMs = 2000;

type Items<T> = () => ReadonlyMap<string, T>;

/**
 * Listens to pods that are about to be ended by force. When a deadline passes or a Job is deleted, the pod and its log may be gone
 * before the news of it has come; so the log is opened before, and kept when the pod was indeed ended.
 */
export function createLastWords({
  store,
  kube,
  log,
  clock,
  signal,
  jobs,
  pods,
}: {
  store: Store;
  kube: Kube;
  log: Logger;
  clock: () => Date;
  signal: AbortSignal;
  /** What the watches see now, by uid. */
  jobs: Items<SeenJob>;
  pods: Items<SeenPod>;
}) {
  const underWay = new Map<string, Promise<void>>();

  /** Listens to the pods of Jobs whose deadline is near. */
  function runOnce(): { listening: number } {
    const soon = clock().getTime() + aheadMs;
    for (const { observation, deadlineAt } of jobs().values()) {
      if (deadlineAt !== null && deadlineAt <= soon && observation.active > 0) void listen(observation.uid);
    }
    return { listening: underWay.size };
  }

  /** Opens the logs of this Job's running pods; resolves when they can be taken to be open. */
  async function listen(jobUid: string): Promise<void> {
    const openings: Promise<void>[] = [];
    for (const { jobId, observation: pod } of pods().values()) {
      const isRunning = pod.jobUid === jobUid && pod.phase === 'Running' && pod.exitCode === null;
      if (jobId === null || !isRunning || underWay.has(pod.uid) || underWay.size >= listenersAtMost) continue;
      const opened = Promise.withResolvers<void>();
      const work = hear(jobId, pod, opened.resolve).finally(() => {
        opened.resolve();
        underWay.delete(pod.uid);
      });
      underWay.set(pod.uid, work);
      openings.push(opened.promise);
    }
    if (openings.length > 0) await Promise.race([Promise.all(openings), delay(openingMs)]);
  }

  async function hear(jobId: string, pod: SeenPod['observation'], onBytes: () => void): Promise<void> {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
      const text = await readClipped(kube.readPodLog({ pod: pod.name, follow: true }, limit), {
        limit,
        onBytes,
      });
      signal.throwIfAborted();
      if (!(await wasEnded(pod.uid))) return;
      const { uid: podUid, name, index: task } = pod;
      store.keepLog({ jobId, podUid, pod: name, task, text });
    } catch (err) {
      // The log keeper will try in its own way, if there is anything left to read.
      const level = err instanceof AppError ? 'debug' : 'error';
      if (!signal.aborted) log[level]({ err, jobId, pod: pod.name }, 'the last words of a pod were not kept');
    }
  }

  /** False for a container that is started again in its pod: its log is not over yet. */
  async function wasEnded(uid: string): Promise<boolean> {
    const until = performance.now() + verdictMs;
    while (performance.now() < until) {
      const pod = pods().get(uid)?.observation;
      if (pod === undefined || pod.deletedAt !== null || pod.phase === 'Succeeded' || pod.phase === 'Failed')
        return true;
      await delay(50, undefined, { signal });
    }
    return false;
  }

  return {
    runOnce,
    listen,
    /** Resolves when nobody listens to this pod any more, and what was heard of it is in the store. */
    untilHeard: async (podUid: string): Promise<void> => underWay.get(podUid),
    /** Resolves when nobody is listened to. */
    async idle(): Promise<void> {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}
