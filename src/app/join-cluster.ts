import pRetry from 'p-retry';
import { AppError } from '../core/app-error.ts';

/** The loops that run once the cluster is known. */
type Loops = { readiness(): { ready: boolean; degraded: string[] }; stop(): Promise<void> };

export type Membership = {
  readiness(): { ready: boolean; degraded: string[] };
  /** Settles with the first attempt; rejects when it showed that this database must not be used there. */
  firstAttempt: Promise<void>;
  /** Rejects when a later attempt showed that; never resolves. */
  failed: Promise<never>;
  stop(): Promise<void>;
};

/**
 * Asks the cluster which one it is, for as long as it takes, binds the database to it and starts the loops. The
 * service is up meanwhile: it accepts jobs and reports, and says in `/readyz` what it waits for.
 */
export function joinCluster({
  identify,
  bind,
  startLoops,
}: {
  /** The identity, or an error that may pass. */
  identify: (signal: AbortSignal) => Promise<string>;
  /** Throws AppError `conflict` when the database belongs to another cluster: that does not pass. */
  bind: (clusterId: string) => void;
  startLoops: () => Loops;
}): Membership {
  const leaving = new AbortController();
  const first = Promise.withResolvers<void>();
  let loops: Loops | undefined;
  let waitsFor = 'The cluster has not answered yet.';

  const joining = pRetry(
    async () => {
      const clusterId = await identify(AbortSignal.any([leaving.signal, AbortSignal.timeout(10_000)]));
      leaving.signal.throwIfAborted();
      bind(clusterId);
      loops = startLoops();
    },
    {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 500,
      maxTimeout: 15_000,
      randomize: true,
      signal: leaving.signal,
      shouldRetry: ({ error }) => !isAnotherCluster(error),
      onFailedAttempt: ({ error }) => {
        if (isAnotherCluster(error)) return;
        waitsFor = error.message;
        first.resolve();
      },
    },
  );
  const failed = joining.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => (leaving.signal.aborted ? new Promise<never>(() => {}) : Promise.reject(error)),
  );
  // Whoever holds `failed` is told; nobody has to.
  failed.catch(() => {});

  return {
    readiness: () => loops?.readiness() ?? { ready: false, degraded: [waitsFor] },
    firstAttempt: Promise.race([joining, first.promise]),
    failed,
    async stop() {
      leaving.abort();
      await joining.catch(() => {});
      await loops?.stop();
    },
  };
}

function isAnotherCluster(error: Error): boolean {
  return error instanceof AppError && error.code === 'conflict';
}
