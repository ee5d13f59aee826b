/**
 * The room of the loops: what carries a job from its row to its end.
 *
 * Owns: when the cluster is asked and told, how often, and what a failed call leads to. Each loop is a `runOnce` in a file of its own.
 * May import: core, store, kube. Never: HTTP, pages, the environment, SQL.
 */
import type { Logger } from 'pino';
import type { ControlHealth } from '../core/readiness.ts';
import type { Kube } from '../kube/cluster.ts';
import type { Reflector } from '../kube/reflector.ts';
import type { Store } from '../store/store.ts';
import { createCanceller } from './canceller.ts';
import { createDispatcher } from './dispatcher.ts';
import { every } from './every.ts';
import { createJanitor } from './janitor.ts';
import type { KeepLimits } from './janitor.ts';
import { createLastWords } from './last-words.ts';
import { createLogKeeper } from './log-keeper.ts';
import { createLoopsHealth } from './loop-health.ts';
import { startObserver } from './observer.ts';
import { createPodRefusals } from './pod-refusals.ts';
import { createSearchIndexer } from './search-indexer.ts';
import { createStartDeadline } from './start-deadline.ts';
import { createSteadyClock } from './steady-clock.ts';

export type ControlOptions = {
  store: Store;
  kube: Kube;
  tokens: { issue: (jobId: string) => string };
  /** How pods reach us, without a slash at the end. */
  callbackUrl: string;
  serviceAccountName?: string;
  /** Jobs in the cluster at once. */
  maxActive: number;
  /** How long a job may stay CREATED; 0: for ever. */
  startDeadlineSeconds: number;
  keep: KeepLimits;
  log: Logger;
  clock: () => Date;
  /** In seconds, and only ever forward; the machine's own unless said. */
  uptime?: (() => number) | undefined;
  /** Fills a byte array, as node:crypto's randomFillSync does. */
  random: (bytes: Uint8Array) => Uint8Array;
};

export type Control = ReturnType<typeof startControl>;

const compareEveryMs = 300_000;
const lookEveryMs = 1000;
const tidyEveryMs = 60_000;
/** What goes through all live jobs rests so long, so that it costs little where each of many commits calls for it. */
const lookAtAllMs = 100;
const refreshPatienceMs = 5000;
/** How long a stop waits for creates and deletes under way. Cut off, their outcome is unknown, and settled at the next start. */
const stopPatienceMs = 5000;

export function startControl({ store, kube, log, clock, keep, ...options }: ControlOptions) {
  /** Ends the loops; what they have under way goes on until `calls` ends it. */
  const loops = new AbortController();
  const calls = new AbortController();
  // Pauses and ages are measured by a clock that does not jump; what the cluster wrote down is held against the real one.
  const shared = { store, kube, log, clock: createSteadyClock(clock, options.uptime), signal: calls.signal };

  const observer = startObserver({ store, kube, log, signal: loops.signal });
  const dispatcher = createDispatcher({ ...shared, ...options, stopping: loops.signal });
  const lastWords = createLastWords({ ...shared, clock, jobs: observer.jobs, pods: observer.pods });
  const canceller = createCanceller({ ...shared, beforeDelete: lastWords.listen });
  const logKeeper = createLogKeeper(shared);
  const { isSeeing } = observer;
  const podRefusals = createPodRefusals({ store, kube, log, isSeeing, signal: loops.signal });
  const startDeadline = createStartDeadline({
    store,
    log,
    isSeeing,
    refresh: () => refreshPods(loops.signal),
    startDeadlineSeconds: options.startDeadlineSeconds,
  });
  const janitor = createJanitor({ store, keep, clock: shared.clock, signal: loops.signal });
  const searchIndexer = createSearchIndexer({ store, signal: loops.signal });

  const health = createLoopsHealth({ clock });
  const pace = { signal: loops.signal, log, health, intervalMs: lookEveryMs };
  const onCommit = { ...pace, wake: store.onCommit };
  const onCommitOrRoom = (loop: { onRoom: (listener: () => void) => () => void }) => ({
    ...pace,
    wake(listener: () => void) {
      const releases = [store.onCommit(listener), loop.onRoom(listener)];
      return () => releases.forEach((release) => release());
    },
  });

  /** Nothing is sent before both watches have told what is there: a claim of an earlier life may be answered by it. */
  async function runLoops(): Promise<void> {
    await observer.synced;
    await Promise.all([
      every({ ...pace, name: 'full compare', intervalMs: compareEveryMs }, observer.compareOnce),
      every({ ...pace, name: 'owed observations' }, observer.retryOwed),
      every({ ...onCommitOrRoom(dispatcher), name: 'dispatcher' }, dispatcher.runOnce),
      every({ ...onCommit, name: 'canceller' }, canceller.runOnce),
      every({ ...onCommitOrRoom(logKeeper), name: 'log keeper' }, logKeeper.runOnce),
      every({ ...onCommit, name: 'last words', restMs: lookAtAllMs }, lastWords.runOnce),
      every({ ...pace, name: 'start deadline' }, startDeadline.runOnce),
      every({ ...pace, name: 'pod refusals' }, podRefusals.runOnce),
      every({ ...pace, name: 'janitor', intervalMs: tidyEveryMs }, janitor.runOnce),
    ]);
  }

  // What an older database left to be indexed does not wait for a cluster.
  const running = Promise.all([runLoops(), every({ ...pace, name: 'search index' }, searchIndexer.runOnce)]);

  /** Looks at the pods anew, for at most 5 s; false if the cluster or the store did not answer. Calls that come together share one look. */
  function refreshPods(signal: AbortSignal): Promise<boolean> {
    return observer.refreshPods(AbortSignal.any([signal, AbortSignal.timeout(refreshPatienceMs)]));
  }

  function readiness(): ControlHealth {
    const { jobs, pods, owed, faults, orphans } = observer.status();
    const hold = dispatcher.hold();
    const failing = canceller.failing();
    const degraded = [
      ...(jobs.error === null ? [] : [`Jobs cannot be watched: ${jobs.error}.`]),
      ...(pods.error === null ? [] : [`Pods cannot be watched: ${pods.error}.`]),
      ...(hold === null ? [] : [hold.explanation]),
      ...(failing === 0 ? [] : [`${failing} cancels could not be carried out yet.`]),
      ...(owed === 0 ? [] : [`${owed} observations could not be stored yet.`]),
      ...health.complaints(),
    ];
    const now = clock();
    return {
      ready: jobs.synced && pods.synced,
      degraded,
      watches: { jobs: toWatchHealth(jobs, now), pods: toWatchHealth(pods, now) },
      observations: { owed, faults, orphans },
      dispatch: { held: hold?.reason ?? null, outcomes: dispatcher.outcomes() },
      loops: health.all(),
    };
  }

  return {
    readiness,

    refreshPods,

    /** Resolves when what is being read of a pod's log is in the store; at once where nothing is. */
    async untilLogIsKept({ uid, number }: { uid: string; number: number }): Promise<void> {
      await Promise.all([lastWords.untilHeard(uid), logKeeper.untilRead(number)]);
    },

    /** Starts nothing more, waits for what is under way (logs are left to the next start), and resolves when all has ended. */
    async stop(): Promise<void> {
      loops.abort();
      const patience = setTimeout(() => calls.abort(), stopPatienceMs);
      await running;
      await dispatcher.idle();
      // What was only claimed would count as sent at the next start.
      try {
        dispatcher.giveBack();
      } catch (err) {
        log.warn({ err }, 'claims of jobs that were not sent could not be given back');
      }
      calls.abort();
      clearTimeout(patience);
      await Promise.all([logKeeper.idle(), lastWords.idle(), observer.done]);
    },
  };
}

type WatchStatus = ReturnType<Reflector<unknown>['status']>;

function toWatchHealth({ lastSyncAt, lastProofAt, restarts, faults }: WatchStatus, now: Date) {
  return {
    lastSyncAt: lastSyncAt?.toISOString() ?? null,
    // A clock that was set back must not show a watch that is ahead of the cluster.
    lagSeconds: lastProofAt === null ? null : Math.max(0, now.getTime() - lastProofAt.getTime()) / 1000,
    restarts,
    faults,
  };
}
