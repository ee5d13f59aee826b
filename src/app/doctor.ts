import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createClusterCheck } from '../control/cluster-check.ts';
import { createIntake } from '../control/intake.ts';
import { tryJob } from '../control/try-job.ts';
import { AppError } from '../core/app-error.ts';
import type { ClusterReport, Finding } from '../core/cluster-report.ts';
import type { Place } from '../core/cluster-rights.ts';
import { lookAtCluster } from '../kube/cluster-look.ts';
import { connectCluster } from '../kube/connection.ts';
import type { ClusterTarget } from '../kube/credentials.ts';
import { openTryStore } from '../store/try-store.ts';
import type { ClusterChoice, Config } from './config.ts';
import { createLog } from './log.ts';
import { kubeconfigOf, toCallback, toPlace } from './place.ts';

type TryStore = ReturnType<typeof openTryStore>;

const clock = () => new Date();
const random = (bytes: Uint8Array) => randomFillSync(bytes);

/**
 * Looks at the cluster as the service of this configuration would, beside it or without it. `isTry`: has it run a job as well. Rejects
 * with an AppError of one sentence where there is no way to the cluster, or no service to try it with.
 */
export async function examine(config: Config, { isTry }: { isTry: boolean }): Promise<ClusterReport> {
  const store = openStoreIfThere(config, { isNeeded: isTry });
  try {
    const connection = await connectCluster(toTarget(config.cluster));
    try {
      const place = toPlace(config, connection.namespace);
      const check = createClusterCheck({
        place,
        look: (signal) => lookAtCluster({ connection, place, clock }, signal),
        findEvidence: () => store?.reportEvidence() ?? null,
        callback: () => toCallback(config),
        maxActive: config.maxActive,
        clock,
      });
      const tried = isTry && store !== null ? [await runTry(config, place, store)] : [];
      const report = await check(new AbortController().signal);
      return { ...report, findings: [...report.findings, ...tried] };
    } finally {
      await connection.close();
    }
  } finally {
    store?.close();
  }
}

function openStoreIfThere({ databasePath }: Config, { isNeeded }: { isNeeded: boolean }): TryStore | null {
  try {
    return openTryStore({ path: databasePath, clock, log: createLog('warn') });
  } catch (error) {
    if (error instanceof AppError && !isNeeded) return null;
    throw error;
  }
}

function toTarget(cluster: ClusterChoice): ClusterTarget {
  if (cluster.kind !== 'local') return cluster;
  const path = kubeconfigOf(cluster);
  if (existsSync(path)) return { kind: 'kubeconfig', path };
  throw new AppError(
    'unavailable',
    `No local cluster has run in ${cluster.dataDir} yet; npm start starts it.`,
  );
}

async function runTry(config: Config, { namespace }: Place, store: TryStore): Promise<Finding> {
  const bound = store.boundNamespace();
  if (bound !== namespace) {
    throw new AppError(
      'unavailable',
      bound === null
        ? 'The service has not reached its cluster yet, so nothing can be tried.'
        : `The service of this database works in the namespace "${bound}", and these variables say "${namespace}".`,
    );
  }
  const { workerImage, specPolicy, maxQueued } = config;
  const intake = createIntake({ store, clock, random, workerImage, namespace, specPolicy, maxQueued });
  return tryJob({ intake, store });
}
