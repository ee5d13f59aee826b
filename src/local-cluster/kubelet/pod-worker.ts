import type { Logger } from 'pino';
import type { Pod } from '../objects.ts';
import type { Registry } from '../registry-contract.ts';
import type { ContainerRun } from './container-run.ts';
import { exitCodeOf } from './container-run.ts';
import { fieldPathOf } from './container-starter.ts';
import type { SupervisorContext } from './container-supervisor.ts';
import { createSupervisor } from './container-supervisor.ts';
import { markUnknownEnds, toRuns } from './pod-runs.ts';
import type { PodView } from './pod-status.ts';
import { decidePhase, toPodStatus } from './pod-status.ts';
import { createStoreRetry } from './store-retry.ts';
import { mountVolumes } from './volumes.ts';

export type WorkerContext = SupervisorContext & {
  registry: Registry;
  /** Resolves when the Job controller has looked at the pod as it is now. */
  untilSeen: (pod: Pod) => Promise<void>;
  log: Pick<Logger, 'error'>;
};

export type PodWorker = {
  /** To be called with each newer state of the pod. */
  notice: (pod: Pod) => void;
  /** The pod is gone from the registry: whatever still runs is stopped. */
  abandon: () => void;
  /** The machine goes down. */
  shutDown: (graceMs: number) => void;
  /** Resolves when nothing of the pod runs any more and its last status is written. */
  done: Promise<void>;
};

type Order = { cause: 'deleted' | 'abandoned' | 'deadline' | 'shutdown'; graceMs: number };

/** The kubelet gives every container this long, even when asked for less. */
const shortestGraceMs = 2000;
/** A longer timer would go off at once. */
const longestTimerMs = 2 ** 31 - 1;

const deadlineVerdict = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};
const shutdownMessage = 'Pod was terminated in response to imminent node shutdown.';
const shutdownVerdict: PodView['verdict'] = {
  reason: 'Terminated',
  message: shutdownMessage,
  condition: {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'TerminationByKubelet',
    message: shutdownMessage,
  },
};

/**
 * Lives one pod on this machine, from its binding to its end. Each step is published as one status, in the order of a
 * real kubelet. Whatever ends a pod early (its deletion, its deadline, a shutdown) is an order; the first one decides
 * the cause, later ones can only leave less time.
 */
export function startPodWorker(bound: Pod, context: WorkerContext): PodWorker {
  const { registry, events, files } = context;
  const { uid, name, namespace = '' } = bound.metadata;
  const key = { namespace, name, uid };
  const { restartPolicy = 'Always', terminationGracePeriodSeconds = 30 } = bound.spec;
  const ownGraceMs = terminationGracePeriodSeconds * 1000;
  // startTime is cut to the second; a pod that starts now gets its whole time.
  const startedMs = bound.status.startTime === undefined ? Date.now() : Date.parse(bound.status.startTime);
  const runs = toRuns(bound);
  const view: PodView = {
    runs,
    address: context.machine.address,
    sandbox: false,
    addressed: false,
    settled: false,
  };
  const stopping = new AbortController();
  const sidecarsEnd = new AbortController();
  const machineDown = new AbortController();
  const endedProcesses: number[] = [];
  let latest = bound;
  let order: Order | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  let deadlineTimer: NodeJS.Timeout | undefined;

  const stored = createStoreRetry({
    onError: (error) =>
      context.log.error(
        { err: error, pod: `${namespace}/${name}` },
        'the state of a pod could not be stored',
      ),
    signal: machineDown.signal,
  });
  const supervisor = createSupervisor(context, {
    pod: () => latest,
    tell: (run, type, reason, message) =>
      events.record({
        about: latest,
        type,
        reason,
        message,
        component: 'kubelet',
        fieldPath: fieldPathOf(run),
      }),
    publish,
    onEnd: (pid) => endedProcesses.push(pid),
  });

  function storeStatus(): void {
    const now = new Date();
    registry.update('pods', key, (draft) => {
      draft.status = toPodStatus(draft, view, now);
    });
    forgetEnded();
  }

  /** Never throws. The pod goes on while the disk is full: a later status says all that an earlier one would have said. */
  function publish(): void {
    stored.attempt(storeStatus);
  }

  /** Not before the end is written: a cluster killed in between must still count the pod among those that had a process. */
  function forgetEnded(): void {
    for (const pid of endedProcesses.splice(0)) context.processes.forget(pid);
  }

  const mayRestart = (exitCode: number) =>
    restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0);

  async function start(run: ContainerRun): Promise<void> {
    await supervisor.start(run);
    // The order may have come while the process was being made.
    if (stopping.signal.aborted) supervisor.terminate(run);
  }

  /** Resolves to whether the main containers may start. */
  async function runInitContainers(sidecars: Promise<void>[]): Promise<boolean> {
    for (const run of runs.filter(({ role }) => role !== 'main')) {
      if (stopping.signal.aborted) return false;
      await start(run);
      publish();
      if (run.role === 'sidecar') {
        const signal = AbortSignal.any([stopping.signal, sidecarsEnd.signal]);
        await supervisor.insist(run, signal);
        sidecars.push(supervisor.supervise(run, { mayRestart: () => true, signal }));
        continue;
      }
      const mayRepeat = (exitCode: number) => exitCode !== 0 && restartPolicy !== 'Never';
      await supervisor.supervise(run, { mayRestart: mayRepeat, signal: stopping.signal });
      if (exitCodeOf(run) !== 0) return false;
    }
    return true;
  }

  async function runContainers(): Promise<void> {
    const mains = runs.filter(({ role }) => role === 'main');
    const sidecars: Promise<void>[] = [];
    if (await runInitContainers(sidecars)) {
      for (const run of mains) if (!stopping.signal.aborted) await start(run);
      if (!stopping.signal.aborted) publish();
      await Promise.all(
        mains.map((run) => supervisor.supervise(run, { mayRestart, signal: stopping.signal })),
      );
    }
    sidecarsEnd.abort();
    for (const run of runs) supervisor.terminate(run);
    if (killTimer === undefined) killAfter(ownGraceMs);
    await Promise.all(sidecars);
  }

  function killAfter(graceMs: number): void {
    clearTimeout(killTimer);
    killTimer = setTimeout(supervisor.killAll, Math.min(Math.max(graceMs, shortestGraceMs), longestTimerMs));
  }

  function stop(next: Order): void {
    if (order && next.graceMs >= order.graceMs) return;
    const first = order === undefined;
    order = { ...next, cause: order?.cause ?? next.cause };
    killAfter(next.graceMs);
    if (!first) return;
    stopping.abort();
    // The sidecars serve the others to their end.
    for (const run of runs) if (run.role !== 'sidecar') supervisor.terminate(run);
  }

  /**
   * The Job controller sees the mark before the containers do: to it a pod on its way out has failed, and one that ends
   * well on SIGTERM before anyone has looked has succeeded. A real kubelet is mostly slow enough.
   */
  async function stopDeleted({ metadata: { deletionGracePeriodSeconds = 0 } }: Pod): Promise<void> {
    // Not in this turn: the change that brought us here may not have been told to the Job controller yet.
    await Promise.resolve();
    await context.untilSeen(latest);
    if (!view.settled) stop({ cause: 'deleted', graceMs: deletionGracePeriodSeconds * 1000 });
  }

  /** To be called again whenever the pod's deadline may have changed. */
  function watchDeadline(): void {
    clearTimeout(deadlineTimer);
    const { activeDeadlineSeconds } = latest.spec;
    if (activeDeadlineSeconds === undefined || order) return;
    const left = startedMs + activeDeadlineSeconds * 1000 - Date.now();
    if (left <= 0) exceedDeadline();
    else deadlineTimer = setTimeout(watchDeadline, Math.min(left, longestTimerMs)).unref();
  }

  function exceedDeadline(): void {
    view.verdict = deadlineVerdict;
    publish();
    events.record({ about: latest, type: 'Normal', ...deadlineVerdict, component: 'kubelet' });
    stop({ cause: 'deadline', graceMs: ownGraceMs });
  }

  /** Writes the end of the pod, unless nobody is left to read it or the pod has not begun and may begin another time. */
  async function settle(): Promise<void> {
    const started = runs.some(({ containerID }) => containerID !== undefined);
    if (order?.cause === 'abandoned' || (order?.cause === 'shutdown' && !started)) return;
    if (order) markUnknownEnds(runs);
    else publish();
    if (order?.cause === 'shutdown' && decidePhase(runs, 'Never') !== 'Succeeded')
      view.verdict = shutdownVerdict;
    view.settled = true;
    view.sandbox = false;
    // It may pass while a full disk puts off the write.
    clearTimeout(deadlineTimer);
    await stored.insist(storeStatus);
  }

  /** The last step of a deletion: the pod may leave the registry. */
  async function release(): Promise<void> {
    // The Job controller counts the end first, and takes its finalizer off, as it has time to in a real cluster.
    await context.untilSeen(latest);
    await stored.insist(() => {
      const left = registry.find('pods', namespace, name);
      if (left?.metadata.uid !== uid || left.metadata.deletionTimestamp === undefined) return;
      registry.delete('pods', key, { gracePeriodSeconds: 0 });
    });
  }

  function prepareFiles(): void {
    // What is to end needs none, and must not wait for them.
    if (stopping.signal.aborted) return;
    files.prepare(
      uid,
      runs.map(({ spec }) => spec.name),
    );
  }

  async function live(): Promise<void> {
    try {
      await stored.insist(prepareFiles);
      publish();
      watchDeadline();
      await mountVolumes(latest, { events, signal: stopping.signal });
      if (!stopping.signal.aborted) {
        view.sandbox = true;
        publish();
        view.addressed = true;
        await runContainers();
      }
      await settle();
      await release();
    } catch (error) {
      // Nobody would look after them any more.
      supervisor.killAll();
      throw error;
    } finally {
      clearTimeout(deadlineTimer);
      clearTimeout(killTimer);
      stored.stop();
      forgetEnded();
    }
  }

  return {
    notice(pod) {
      latest = pod;
      if (view.settled) return;
      if (pod.metadata.generation !== pod.status.observedGeneration) {
        publish();
        watchDeadline();
      }
      if (pod.metadata.deletionTimestamp !== undefined) void stopDeleted(pod);
    },
    abandon: () => stop({ cause: 'abandoned', graceMs: 0 }),
    shutDown(graceMs) {
      machineDown.abort();
      stop({ cause: 'shutdown', graceMs: Math.min(graceMs, ownGraceMs) });
    },
    // Not in this turn: the caller must know the worker before the first status makes it hear of the pod again.
    done: Promise.resolve().then(live),
  };
}
