/**
 * The kubelet: runs the pods that are bound to this machine, each container as a process.
 *
 * Owns: processes, their logs and files, and the status of pods from their binding on.
 * May import: the registry, the event recorder, the API's time format. Never: HTTP, the Job controller.
 */
import type { Logger } from 'pino';
import type { EventRecorder } from '../event-recorder.ts';
import type { Machine } from '../machine.ts';
import type { Pod } from '../objects.ts';
import type { Registry } from '../registry-contract.ts';
import type { Backoff } from './backoff.ts';
import type { RunningContainer } from './container-starter.ts';
import type { Images } from './image.ts';
import type { LogOptions } from './log-reader.ts';
import { readContainerLog } from './log-reader.ts';
import { openPipeStock } from './pipe-stock.ts';
import { openPodFiles } from './pod-files.ts';
import { isFinal } from './pod-status.ts';
import type { PodWorker, WorkerContext } from './pod-worker.ts';
import { startPodWorker } from './pod-worker.ts';
import type { ProcessTable } from './process-table.ts';

export type Kubelet = {
  /** Takes up the pods that are bound to this machine, and those that will be. */
  start: () => void;
  /**
   * The log of a container's last run, or with `previous` of the one before, in chunks as the process wrote it. Empty
   * when there is none. With `follow` it ends with the run, or when the signal is aborted.
   */
  readLog: (pod: Pod, container: string, options: LogOptions, signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Ends every pod as before a shutdown of the machine. Resolves when no process is left. */
  stop: () => Promise<void>;
};

export type KubeletOptions = {
  registry: Registry;
  events: EventRecorder;
  machine: Machine;
  images: Images;
  processes: ProcessTable;
  podsDir: string;
  pipesDir: string;
  backoff: Backoff;
  /** What a process is given between SIGTERM and SIGKILL when the cluster stops, at the most. */
  stopGraceMs: number;
  untilSeen: WorkerContext['untilSeen'];
  log: Logger;
};

const logKey = (uid: string, container: string) => `${uid}/${container}`;

export function createKubelet(options: KubeletOptions): Kubelet {
  const { registry, events, machine, images, processes, backoff, log } = options;
  const files = openPodFiles(options.podsDir, log);
  const pipes = openPipeStock(options.pipesDir);
  const workers = new Map<string, PodWorker>();
  const logs = new Map<string, RunningContainer>();
  let unsubscribe: (() => void) | undefined;
  let stopped = false;

  const context = {
    registry,
    events,
    machine,
    images,
    processes,
    backoff,
    files,
    pipes,
    untilSeen: options.untilSeen,
    log,
    onLog(uid: string, container: string, running: RunningContainer) {
      const key = logKey(uid, container);
      logs.set(key, running);
      void running.process.ended.finally(() => logs.get(key) === running && logs.delete(key));
    },
  };

  function notice(pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = workers.get(uid);
    if (worker) worker.notice(pod);
    else if (!stopped && pod.spec.nodeName === machine.name && !isFinal(pod.status.phase)) take(pod);
  }

  function take(pod: Pod): void {
    const { uid, name, namespace } = pod.metadata;
    const worker = startPodWorker(pod, context);
    workers.set(uid, worker);
    if (pod.metadata.deletionTimestamp !== undefined) worker.notice(pod);
    void worker.done
      .then(() => workers.delete(uid))
      // A pod that was lost keeps its worker: nobody may begin it a second time.
      .catch((error: unknown) =>
        log.error({ err: error, pod: `${namespace}/${name}` }, 'the kubelet lost a pod'),
      )
      .finally(() => registry.find('pods', namespace ?? '', name)?.metadata.uid === uid || files.remove(uid));
  }

  function forget({ metadata: { uid } }: Pod): void {
    const worker = workers.get(uid);
    if (worker) worker.abandon();
    else files.remove(uid);
  }

  return {
    start() {
      files.sweep(new Set(registry.list('pods').map(({ metadata }) => metadata.uid)));
      unsubscribe = registry.subscribe('pods', ({ type, object }) => {
        if (type === 'DELETED') forget(object);
        else notice(object);
      });
      for (const pod of registry.list('pods')) notice(pod);
    },
    readLog(pod, container, logOptions, signal) {
      const { uid } = pod.metadata;
      const { initContainerStatuses = [], containerStatuses = [] } = pod.status;
      const all = [...initContainerStatuses, ...containerStatuses];
      const known = all.find(({ name }) => name === container);
      // While a container waits to be started again, its last run is both the current and the previous one.
      const back = logOptions.previous && !known?.state?.waiting ? 1 : 0;
      const attempt = (known?.restartCount ?? 0) - back;
      const running = logs.get(logKey(uid, container));
      const growing = running?.attempt === attempt ? running.log : undefined;
      return readContainerLog(
        { directory: files.containerOf(uid, container), attempt, growing },
        logOptions,
        signal,
      );
    },
    async stop() {
      stopped = true;
      for (const worker of workers.values()) worker.shutDown(options.stopGraceMs);
      await Promise.allSettled([...workers.values()].map(({ done }) => done));
      unsubscribe?.();
      await pipes.close();
    },
  };
}
