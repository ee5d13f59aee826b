import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { Kube } from '../kube/cluster.ts';
import type { SeenJob, SeenPod } from '../kube/observation.ts';
import type { Reflector } from '../kube/reflector.ts';
import type { Store } from '../store/store.ts';
import type { Unsettled } from '../store/unsettled.ts';
import { createSightings } from './sightings.ts';
import type { Sighting } from './sightings.ts';

export type ObserverOptions = {
  store: Store;
  kube: Kube;
  log: Logger;
  signal: AbortSignal;
  /** Monotonic, in ms; the machine's own unless said. */
  elapsed?: () => number;
};

/**
 * Feeds what the two watches see into the store, as facts; what they mean is decided there. Jobs and pods are matched by the
 * job-id label. What carries it without a row of ours is an orphan: told once, and never touched.
 */
export function startObserver({ store, kube, log, signal, ...options }: ObserverOptions) {
  /** What the store could not take (a full disk), by object; the latest word replaces an older one. */
  const owed = new Map<string, Sighting>();
  const orphans = new Set<string>();
  let faults = 0;
  /** Read before the first lists begin, which then serve as the other half of the first compare. */
  let believedAtStart: Unsettled[] | null = store.listUnsettled();
  const firstSync = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => firstSync.resolve(), { once: true });

  /** By itself, in a transaction of its own. */
  function tell(sighting: Sighting): 'told' | 'refused' | 'store-unavailable' {
    const { uid } = sighting;
    try {
      sighting.alone();
      owed.delete(uid);
      return 'told';
    } catch (err) {
      if (!owed.has(uid)) {
        faults += 1;
        log.error({ err, uid }, 'an observation could not be stored, and is kept for another try');
      }
      owed.set(uid, sighting);
      return isUnavailable(err) ? 'store-unavailable' : 'refused';
    }
  }

  /** The last look goes with the news of the leave: it may be owed still, and with it the job's end. */
  function toLeave(uid: string, look: () => void, leave: () => void): Sighting {
    return {
      uid,
      together() {
        look();
        leave();
      },
      alone() {
        try {
          look();
        } catch (err) {
          if (isUnavailable(err)) throw err;
          faults += 1;
          log.error({ err, uid }, 'the last look at an object could not be stored');
        }
        leave();
      },
    };
  }

  const sightings = createSightings({
    ...options,
    groupCommit: store.groupCommit,
    onStored: ({ uid }) => owed.delete(uid),
    tellAlone: tell,
  });

  function see(uid: string, commit: () => void): void {
    sightings.add({ uid, together: commit, alone: commit });
  }

  const jobs: Reflector<SeenJob> = kube.watchJobs(
    {
      onUpsert: ({ jobId, observation }) => {
        if (jobId !== null) see(observation.uid, () => store.observeJob(jobId, observation));
      },
      onGone: ({ jobId, observation }) => {
        orphans.delete(observation.uid);
        if (jobId === null) return;
        const look = () => store.observeJob(jobId, observation);
        const leave = () => store.markJobGone(jobId, observation.uid);
        sightings.add(toLeave(observation.uid, look, leave));
      },
      stored: sightings.stored,
      onSynced,
    },
    signal,
  );

  const pods: Reflector<SeenPod> = kube.watchPods(
    {
      onUpsert: ({ jobId, observation }) => {
        if (jobId !== null) see(observation.uid, () => store.observePod(jobId, observation));
      },
      onGone: ({ jobId, observation }) => {
        if (jobId === null) return;
        const look = () => store.observePod(jobId, observation);
        const leave = () => store.markPodGone(jobId, observation.uid);
        sightings.add(toLeave(observation.uid, look, leave));
      },
      stored: sightings.stored,
      onSynced,
    },
    signal,
  );

  function onSynced(): void {
    if (jobs.status().synced && pods.status().synced) firstSync.resolve();
  }

  /** What the store believed to be in the cluster, against lists that began after it was asked: what they lack is gone. */
  async function compareOnce(): Promise<{ jobsGone: number; podsGone: number; orphans: number }> {
    const believed = believedAtStart ?? store.listUnsettled();
    if (believedAtStart === null) await Promise.all([jobs.resync(), pods.resync()]);
    believedAtStart = null;
    let [jobsGone, podsGone] = [0, 0];
    for (const { id, uid, pods: itsPods } of believed) {
      // Without a uid it may not have been created yet: the dispatcher's affair.
      if (uid !== null && !jobs.items().has(uid)) {
        miss(uid, () => store.markJobGone(id, uid));
        jobsGone += 1;
      }
      for (const pod of itsPods) {
        if (pods.items().has(pod.uid)) continue;
        miss(pod.uid, () => store.markPodGone(id, pod.uid));
        podsGone += 1;
      }
    }
    await sightings.stored();
    return { jobsGone, podsGone, orphans: reportOrphans(new Set(believed.map(({ id }) => id))) };
  }

  /** A full compare lacked it. Where something is owed, the watch has seen the leave itself, and more. */
  function miss(uid: string, commit: () => void): void {
    if (!owed.has(uid)) see(uid, commit);
  }

  function reportOrphans(known: ReadonlySet<string>): number {
    for (const { jobId, observation } of jobs.items().values()) {
      if (jobId !== null && (known.has(jobId) || store.findJob(jobId) !== undefined)) continue;
      if (orphans.has(observation.uid)) continue;
      orphans.add(observation.uid);
      log.warn(
        { jobId, kubernetesName: observation.name },
        'a Job with our label belongs to no row; it is left alone',
      );
    }
    return orphans.size;
  }

  /**
   * Tries again what the store could not take: the first by itself, since one refusal tells that a disk is still full, and the others as
   * if they had just been seen, since thousands may be owed. Where something newer of an object waits for the store, that settles the
   * debt, and must not be told before it.
   */
  async function retryOwed(): Promise<{ owed: number }> {
    const awaited = sightings.awaited();
    const [first, ...others] = [...owed.values()].filter(({ uid }) => !awaited.has(uid));
    if (first !== undefined && tell(first) !== 'store-unavailable') {
      for (const sighting of others) sightings.add(sighting);
    }
    await sightings.stored();
    return { owed: owed.size };
  }

  /** True when a list of the pods that began after this call is in the store; false when the signal aborts before. */
  async function refreshPods(patience: AbortSignal): Promise<boolean> {
    const tooLate = Promise.withResolvers<never>();
    const giveUp = () => tooLate.reject(patience.reason);
    patience.addEventListener('abort', giveUp, { once: true });
    try {
      patience.throwIfAborted();
      const looked = pods.resync().then(retryOwed);
      return (await Promise.race([looked, tooLate.promise])).owed === 0;
    } catch {
      return false;
    } finally {
      patience.removeEventListener('abort', giveUp);
    }
  }

  return {
    compareOnce,

    retryOwed,

    refreshPods,

    /** Resolves once both watches have seen everything, or when the signal aborts. */
    synced: firstSync.promise,

    /** What is there now, by uid. */
    jobs: jobs.items,
    pods: pods.items,

    /** Both watches run: what they have not told has not happened, as far as anyone can tell. */
    isSeeing: () => [jobs.status(), pods.status()].every(({ synced, error }) => synced && error === null),

    status: () => ({
      jobs: jobs.status(),
      pods: pods.status(),
      owed: owed.size,
      /** Observations that the store did not take at once. */
      faults,
      orphans: orphans.size,
    }),

    done: Promise.all([jobs.done, pods.done]).then(sightings.stored),
  };
}

/** A full or busy disk: the same would happen to whatever comes next. */
function isUnavailable(err: unknown): boolean {
  return err instanceof AppError && err.code === 'unavailable';
}
