import { randomBytes, createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { toTimestamp } from '../api/times.ts';
import type { EventNote, EventRecorder } from '../event-recorder.ts';
import type { Machine } from '../machine.ts';
import type { Pod } from '../objects.ts';
import { checkCommand, toCommand } from './container-command.ts';
import type { ContainerLog, GrowingLog } from './container-log.ts';
import { listSegments, openContainerLog } from './container-log.ts';
import type { ContainerCommand, ContainerProcess } from './container-process.ts';
import { StartError, startProcess } from './container-process.ts';
import type { ContainerRun } from './container-run.ts';
import { ContainerConfigError } from './environment.ts';
import type { ImageMapping, Images } from './image.ts';
import { findImage, findImageNameFault } from './image.ts';
import type { PipeStock } from './pipe-stock.ts';
import type { PodFiles } from './pod-files.ts';
import type { ProcessTable } from './process-table.ts';

export type StarterContext = {
  events: EventRecorder;
  files: PodFiles;
  images: Images;
  machine: Machine;
  pipes: PipeStock;
  processes: ProcessTable;
};

/** A container that runs, with all that its end needs. */
export type RunningContainer = {
  process: ContainerProcess;
  log: ContainerLog & GrowingLog;
  attempt: number;
  startedAt: Date;
};

/** How the kubelet's events name a container. */
export const fieldPathOf = ({ role, spec }: ContainerRun) =>
  `spec.${role === 'main' ? 'containers' : 'initContainers'}{${spec.name}}`;

export type Tell = (run: ContainerRun, type: EventNote['type'], reason: string, message: string) => void;

/**
 * Tries to start a container, says so in events, and leaves the outcome in the run's state: running, waiting (an image
 * or a reference is missing: try again later), or terminated (it cannot be started).
 */
export async function startContainer(
  pod: Pod,
  run: ContainerRun,
  { context, tell }: { context: StarterContext; tell: Tell },
): Promise<RunningContainer | undefined> {
  const refuse = (reason: string, message: string) => {
    if (run.state.terminated) run.lastState = run.state;
    run.state = { waiting: { reason, message } };
    return undefined;
  };
  const image = lookUpImage(run, context.images, tell);
  if ('refusal' in image) return refuse(image.refusal, image.message);
  tell(
    run,
    'Normal',
    'Pulled',
    `Container image "${run.spec.image}" already present on machine and can be accessed by the pod`,
  );

  const attempt = run.containerID === undefined ? 0 : run.restartCount + 1;
  const { uid } = pod.metadata;
  let command: ContainerCommand;
  try {
    checkUser(pod, run, image.mapping);
    command = toCommand({
      pod,
      container: run.spec,
      machine: context.machine,
      image: image.mapping,
      scratch: context.files.scratchOf(uid),
      terminationMessageFile: context.files.messageOf(uid, run.spec.name, attempt),
    });
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error;
    tell(run, 'Warning', 'Failed', `Error: ${error.message}`);
    return refuse(error.reason, error.message);
  }

  run.imageID = `sha256:${createHash('sha256').update(JSON.stringify(image.mapping)).digest('hex')}`;
  run.containerID = `process://${randomBytes(32).toString('hex')}`;
  run.restartCount = attempt;
  if (run.state.terminated) run.lastState = run.state;
  tell(run, 'Normal', 'Created', 'Container created');
  try {
    checkCommand(command);
    const running = await launch(pod, run, { context, command, attempt });
    run.state = { running: { startedAt: toTimestamp(running.startedAt) } };
    tell(run, 'Normal', 'Started', 'Container started');
    return running;
  } catch (error) {
    if (!(error instanceof StartError)) {
      // The disk is full, or the like: the machine's fault, so that it is tried again.
      tell(run, 'Warning', 'Failed', `Error: ${String(error)}`);
      return refuse('RunContainerError', String(error));
    }
    const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${error.message}`;
    tell(run, 'Warning', 'Failed', `Error: ${message}`);
    run.state = {
      terminated: {
        exitCode: 128,
        reason: 'StartError',
        message,
        startedAt: '1970-01-01T00:00:00Z',
        finishedAt: toTimestamp(new Date()),
        containerID: run.containerID,
      },
    };
    return undefined;
  }
}

function lookUpImage(
  run: ContainerRun,
  images: Images,
  tell: Tell,
): { mapping: ImageMapping } | { refusal: string; message: string } {
  const { image = '', imagePullPolicy } = run.spec;
  const fault = findImageNameFault(image);
  if (fault !== undefined) {
    tell(run, 'Warning', 'InspectFailed', fault);
    tell(run, 'Warning', 'Failed', 'Error: InvalidImageName');
    return { refusal: 'InvalidImageName', message: fault };
  }
  const mapping = findImage(images, image);
  if (mapping) return { mapping };
  if (imagePullPolicy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    tell(run, 'Warning', 'ErrImageNeverPull', message);
    tell(run, 'Warning', 'Failed', 'Error: ErrImageNeverPull');
    return { refusal: 'ErrImageNeverPull', message };
  }
  const known = Object.keys(images).join(', ');
  const message = `failed to pull and unpack image "${image}": failed to resolve image: a local cluster has no registry, only programs of this machine under the names: ${known}`;
  tell(run, 'Normal', 'Pulling', `Pulling image "${image}"`);
  tell(run, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
  tell(run, 'Warning', 'Failed', 'Error: ErrImagePull');
  return { refusal: 'ErrImagePull', message };
}

/** Containers run as the user of this process; all that is kept of users is the refusal to run as root by mistake. */
function checkUser(pod: Pod, { spec }: ContainerRun, image: ImageMapping): void {
  const own = spec.securityContext;
  const shared = pod.spec.securityContext;
  const uid = own?.runAsUser ?? shared?.runAsUser ?? image.user ?? process.getuid?.() ?? 1;
  if (!(own?.runAsNonRoot ?? shared?.runAsNonRoot) || uid !== 0) return;
  const { name, namespace, uid: podUid } = pod.metadata;
  throw new ContainerConfigError(
    `container has runAsNonRoot and image will run as root (pod: "${name}_${namespace}(${podUid})", container: ${spec.name})`,
  );
}

async function launch(
  pod: Pod,
  { spec }: ContainerRun,
  { context, command, attempt }: { context: StarterContext; command: ContainerCommand; attempt: number },
): Promise<RunningContainer> {
  const { files, pipes, processes } = context;
  const { uid } = pod.metadata;
  const directory = files.containerOf(uid, spec.name);
  // Only the run before can be asked for.
  for (const { path } of listSegments(directory, attempt - 2)) rmSync(path, { force: true });
  rmSync(files.messageOf(uid, spec.name, attempt - 2), { force: true });
  const log = openContainerLog(directory, attempt);
  try {
    const process = await startProcess(command, {
      pipes,
      onOutput: log.write,
      record: (pid) => processes.record(pid, uid),
    });
    return { process, log, attempt, startedAt: new Date() };
  } catch (error) {
    log.end();
    throw error;
  }
}
