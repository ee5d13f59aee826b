import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import type { ControlHealth } from '../core/readiness.ts';

/** Of parts that have not begun, nothing can be said. */
const notJoined = { ready: false, watches: null, observations: null, dispatch: null, loops: {} };

/** The loops that run once the cluster is known. */
type Loops = {
  readiness(): ControlHealth;
  /** A fresh look at the pods in the cluster; false when it failed. */
  refreshPods(signal: AbortSignal): Promise<boolean>;
  /** Resolves when what is being read of a pod's log is in the store. */
  untilLogIsKept(pod: { uid: string; number: number }): Promise<void>;
  stop(): Promise<void>;
};

export type Membership = {
  readiness: Loops['readiness'];
  refreshPods: Loops['refreshPods'];
  untilLogIsKept: Loops['untilLogIsKept'];
  /** Resolves with the first attempt, whatever came of it; rejects when it showed that this database must not be used there. */
  begin: () => Promise<void>;
  /** Rejects when any attempt showed that; never resolves. */
  failed: Promise<never>;
  stop: () => Promise<void>;
};

/**
 * Asks the cluster which one it is, for as long as it takes, binds the database to it and starts the loops. The
 * service is up meanwhile: it accepts jobs and reports, and says in `/readyz` what it waits for.
 */
export function joinCluster({
  identify,
  bind,
  startLoops,
  log,
  patienceMs = 10_000,
}: {
  /** The identity, or an error that may pass. */
  identify: (signal: AbortSignal) => Promise<string>;
  /** Throws AppError `conflict` when the database belongs to another cluster: that does not pass. */
  bind: (clusterId: string) => void;
  startLoops: () => Loops;
  log: Logger;
  /** With one attempt. */
  patienceMs?: number;
}): Membership {
  const leaving = new AbortController();
  const first = Promise.withResolvers<void>();
  const failure = Promise.withResolvers<never>();
  // Whoever holds `failed` is told; nobody has to.
  failure.promise.catch(() => {});
  let joining = Promise.resolve();
  let loops: Loops | undefined;
  const starting = 'The service is starting.';
  let waitsFor = starting;

  async function attempt(): Promise<void> {
    const patience = AbortSignal.timeout(patienceMs);
    const clusterId = await identify(AbortSignal.any([leaving.signal, patience])).catch((cause: unknown) => {
      if (!patience.aborted) throw cause;
      // As where a network policy lets nothing through to the API server.
      throw new AppError('unavailable', `The cluster does not answer within ${patienceMs / 1000} s.`, {
        cause,
      });
    });
    leaving.signal.throwIfAborted();
    bind(clusterId);
    loops = startLoops();
    if (waitsFor !== starting) log.info('the cluster is joined');
  }

  /** The only word on a pod that never gets ready, for who may not ask `/readyz`: said again when it changes, not with each try. */
  function note(error: Error): void {
    if (error.message === waitsFor) return;
    waitsFor = error.message;
    log.warn({ reason: waitsFor }, 'the cluster cannot be joined yet');
  }

  async function join(): Promise<void> {
    try {
      await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 500,
        maxTimeout: 15_000,
        randomize: true,
        signal: leaving.signal,
        shouldRetry: ({ error }) => !isAnotherCluster(error),
        onFailedAttempt: ({ error }) => {
          if (isAnotherCluster(error) || leaving.signal.aborted) return;
          note(error);
          first.resolve();
        },
      });
      first.resolve();
    } catch (error) {
      if (leaving.signal.aborted) return;
      first.reject(error);
      failure.reject(error);
    }
  }

  return {
    readiness: () => loops?.readiness() ?? { ...notJoined, degraded: [waitsFor] },
    refreshPods: async (signal) => (await loops?.refreshPods(signal)) ?? false,
    untilLogIsKept: async (pod) => loops?.untilLogIsKept(pod),
    begin() {
      joining = join();
      return first.promise;
    },
    failed: failure.promise,
    async stop() {
      leaving.abort();
      await joining;
      await loops?.stop();
    },
  };
}

function isAnotherCluster(error: Error): boolean {
  return error instanceof AppError && error.code === 'conflict';
}
