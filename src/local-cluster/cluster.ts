/**
 * The embedded Kubernetes: one process with an API server, the Job controller, a scheduler and one node whose pods are
 * child processes. An outside system that happens to live here: the rest of the program speaks to it over HTTP alone.
 *
 * Owns: the order in which its parts start and stop. May import: this room. Never: anything else of src.
 */
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { serveApi } from './api/server.ts';
import { claimDataDirectory } from './data-directory.ts';
import { createEventRecorder } from './event-recorder.ts';
import { codeOf, LocalClusterFault, pathOf } from './faults.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startJobController } from './job-controller/job-controller.ts';
import { keepUrlPrefix, writeKubeconfig } from './kubeconfig.ts';
import type { Backoff } from './kubelet/backoff.ts';
import { kubeletBackoff } from './kubelet/backoff.ts';
import type { Images } from './kubelet/image.ts';
import { createKubelet } from './kubelet/kubelet.ts';
import { openProcessTable } from './kubelet/process-table.ts';
import { recoverPods } from './kubelet/recovery.ts';
import { describeMachine } from './machine.ts';
import { openRegistry } from './registry.ts';
import { startScheduler } from './scheduler.ts';

export { LocalClusterFault };

export type LocalClusterOptions = {
  /** Its own directory: objects, logs, the kubeconfig. Made if it is missing. */
  dataDir: string;
  /** Of the API on 127.0.0.1; 0, the default, picks a free one. */
  port?: number;
  /** What image names stand for. A name that is not here ends in ErrImagePull, as without a registry. */
  images: Images;
  log: Logger;
  /** Delays of Job retries and of restarts in place; Kubernetes' own unless given. */
  backoff?: Backoff;
  /** What processes are given to end by themselves when the cluster stops: 3 s unless given. */
  stopGraceMs?: number;
};

export type LocalCluster = {
  /** With the secret prefix: whoever has it may start programs as this user. */
  url: string;
  kubeconfigPath: string;
  /**
   * Ends the running pods as before a shutdown of the machine (SIGTERM, a short grace, SIGKILL), closes the API and
   * the data. Leaves no process behind. Pods that had not begun start when the cluster does.
   */
  stop: () => Promise<void>;
};

/**
 * The worker's image, which every local cluster has: `src/job-worker` on this machine's Node, as the image built from
 * `build/worker.Dockerfile` would run it.
 */
export function workerImages(name: string): Images {
  const root = resolve(import.meta.dirname, '../..');
  return {
    [name]: {
      entrypoint: [process.execPath, join(root, 'src/job-worker/main.ts')],
      cmd: ['simulate'],
      // As the image has it: compiled code is kept, which takes a third off every start.
      env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/jobspawn') },
      user: 65532,
    },
  };
}

/** Starts the cluster. Throws LocalClusterFault when the directory, what is in it, or the port cannot be had. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { images, log, backoff, stopGraceMs = 3000 } = options;
  const dataDir = resolve(options.dataDir);
  const releasers: (() => void | Promise<void>)[] = [];
  const release = async () => {
    for (const next of releasers.toReversed()) await next();
  };
  let stopped: Promise<void> | undefined;
  try {
    claimDataDirectory(dataDir);
    const registry = openRegistry({ dataDir, log });
    releasers.push(() => registry.close());

    const machine = describeMachine(dataDir);
    const processes = openProcessTable(join(dataDir, 'processes'));
    const { ended } = await recoverPods(registry, { processes, machine });
    if (ended > 0) log.warn({ pods: ended }, 'pods of an earlier local cluster were ended');

    const events = createEventRecorder(registry, log);
    const kubelet = createKubelet({
      registry,
      events,
      machine,
      images,
      processes,
      podsDir: join(dataDir, 'pods'),
      pipesDir: join(dataDir, 'pipes'),
      backoff: backoff ?? kubeletBackoff,
      stopGraceMs,
      untilSeen: (pod) => jobController.untilSeen(pod),
      log,
    });
    const prefix = keepUrlPrefix(dataDir);
    const api = await serveApi({ registry, prefix, readLog: kubelet.readLog, port: options.port ?? 0, log });
    // Watchers see the pods end before their connections do.
    releasers.push(() => api.close(), kubelet.stop);
    const kubeconfigPath = writeKubeconfig(dataDir, api.url);
    // Not before all is had that can fail: a start that fails runs nothing.
    kubelet.start();

    const scheduler = startScheduler({ registry, events, machine, log });
    const jobController = startJobController({ registry, events, backoff, log });
    const controllers = [scheduler, jobController, startGarbageCollector({ registry, log })];
    releasers.push(...controllers.map(({ stop }) => stop));
    return { url: api.url, kubeconfigPath, stop: () => (stopped ??= release()) };
  } catch (error) {
    await release();
    throw toFault(error, { port: options.port, dataDir });
  }
}

/** What the user can set right is a fault in one sentence; anything else stays what it is. */
function toFault(error: unknown, { port, dataDir }: { port: number | undefined; dataDir: string }): unknown {
  const code = codeOf(error);
  const path = pathOf(error);
  if (path?.startsWith(dataDir)) return new LocalClusterFault(`${path} cannot be used: ${code}`);
  if (code === 'EADDRINUSE') return new LocalClusterFault(`port ${port} is in use on 127.0.0.1`);
  if (code === 'EACCES') return new LocalClusterFault(`port ${port} may not be used by this user`);
  return error;
}
