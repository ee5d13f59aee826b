import { toTimestamp } from '../api/times.ts';
import type { Pod } from '../objects.ts';
import type { Backoff } from './backoff.ts';
import { createCrashBackoff, delayBefore, pause } from './backoff.ts';
import type { ContainerRun } from './container-run.ts';
import { exitCodeOf } from './container-run.ts';
import type { RunningContainer, StarterContext, Tell } from './container-starter.ts';
import { startContainer } from './container-starter.ts';
import { readTerminationMessage } from './termination-message.ts';

export type SupervisorContext = StarterContext & {
  backoff: Backoff;
  /** Told of every run while it writes its log. */
  onLog: (uid: string, container: string, running: RunningContainer) => void;
};

/** What the worker of the pod lends to the supervision of its containers. */
export type PodHands = {
  pod: () => Pod;
  tell: Tell;
  publish: () => void;
  /** A process is over; it may leave the process table once its end is published. */
  onEnd: (pid: number) => void;
};

export type Supervision = {
  mayRestart: (exitCode: number) => boolean;
  /** When it is aborted, a container that ends stays ended, and one that waits gives up. */
  signal: AbortSignal;
};

export type Supervisor = {
  /** Starts a container, or leaves it waiting or terminated. */
  start: (run: ContainerRun) => Promise<void>;
  /** Tries again, as long as something is missing that the container needs. */
  insist: (run: ContainerRun, signal: AbortSignal) => Promise<void>;
  /** Keeps a container going after its first start; resolves when it has ended for good. */
  supervise: (run: ContainerRun, supervision: Supervision) => Promise<void>;
  /** SIGTERM, and the event that says so. */
  terminate: (run: ContainerRun) => void;
  /** SIGKILL to everything that runs. */
  killAll: () => void;
};

/** How often a real kubelet looks again at a container that waits for something. */
const syncMs = 12_000;
/** How long a failure is shown before the back-off that follows it. */
const shownMs = 1000;

export function createSupervisor(
  context: SupervisorContext,
  { pod, tell, publish, onEnd }: PodHands,
): Supervisor {
  const live = new Map<ContainerRun, RunningContainer>();
  const { uid, name, namespace } = pod().metadata;
  const fullName = `${name}_${namespace}(${uid})`;

  async function start(run: ContainerRun): Promise<void> {
    const running = await startContainer(pod(), run, { context, tell });
    if (!running) return;
    live.set(run, running);
    context.onLog(uid, run.spec.name, running);
  }

  async function untilEnd(run: ContainerRun): Promise<void> {
    const running = live.get(run);
    if (!running) return;
    const { process, log, attempt, startedAt } = running;
    const { exitCode, finishedAt } = await process.ended;
    log.end();
    const message = await readTerminationMessage(run.spec, {
      exitCode,
      file: context.files.messageOf(uid, run.spec.name, attempt),
      log: { directory: context.files.containerOf(uid, run.spec.name), attempt },
    });
    live.delete(run);
    onEnd(process.pid);
    run.state = {
      terminated: {
        exitCode,
        reason: exitCode === 0 ? 'Completed' : 'Error',
        message,
        startedAt: toTimestamp(startedAt),
        finishedAt: toTimestamp(finishedAt),
        containerID: run.containerID,
      },
    };
  }

  /** ErrImagePull and ImagePullBackOff come in turns; everything else that is missing is looked for again in a while. */
  async function waitForMissing(run: ContainerRun, tries: number, signal: AbortSignal): Promise<void> {
    const { waiting } = run.state;
    if (waiting?.reason !== 'ErrImagePull') return pause(syncMs, signal);
    const delay = delayBefore(tries, context.backoff);
    const shown = Math.min(shownMs, delay / 2);
    await pause(shown, signal);
    if (signal.aborted) return undefined;
    const message = `Back-off pulling image "${run.spec.image}"`;
    tell(run, 'Normal', 'BackOff', message);
    tell(run, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    run.state = {
      waiting: { reason: 'ImagePullBackOff', message: `${message}: ErrImagePull: ${waiting.message}` },
    };
    publish();
    return pause(delay - shown, signal);
  }

  async function waitAfterCrash(run: ContainerRun, delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs === 0) return;
    tell(
      run,
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${run.spec.name} in pod ${fullName}`,
    );
    const shown = Math.min(shownMs, delayMs / 2);
    await pause(shown, signal);
    if (signal.aborted) return;
    const message = `back-off ${toGoDuration(delayMs)} restarting failed container=${run.spec.name} pod=${fullName}`;
    run.lastState = run.state;
    run.state = { waiting: { reason: 'CrashLoopBackOff', message } };
    publish();
    await pause(delayMs - shown, signal);
  }

  async function startAgain(run: ContainerRun, signal: AbortSignal): Promise<void> {
    await start(run);
    // The order to stop may have come while the process was being made.
    if (signal.aborted) terminate(run);
    publish();
  }

  async function insist(run: ContainerRun, signal: AbortSignal): Promise<void> {
    for (let tries = 1; run.state.waiting && !signal.aborted; tries += 1) {
      await waitForMissing(run, tries, signal);
      if (!signal.aborted) await startAgain(run, signal);
    }
  }

  async function supervise(run: ContainerRun, { mayRestart, signal }: Supervision): Promise<void> {
    const crashDelay = createCrashBackoff(context.backoff);
    while (!signal.aborted || live.has(run)) {
      await insist(run, signal);
      const startedMs = live.get(run)?.startedAt.getTime() ?? Date.now();
      await untilEnd(run);
      const exitCode = exitCodeOf(run);
      if (signal.aborted || exitCode === undefined) return;
      publish();
      if (!mayRestart(exitCode)) return;
      await waitAfterCrash(run, crashDelay(Date.now() - startedMs), signal);
      if (!signal.aborted) await startAgain(run, signal);
    }
  }

  function terminate(run: ContainerRun): void {
    const running = live.get(run);
    if (!running) return;
    tell(run, 'Normal', 'Killing', `Stopping container ${run.spec.name}`);
    running.process.terminate();
  }

  return {
    start,
    insist,
    supervise,
    terminate,
    killAll: () => live.forEach(({ process }) => process.kill()),
  };
}

/** Whole seconds as Go prints a duration: `10s`, `2m40s`, `5m0s`. */
function toGoDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
