import type { V1ContainerStatus, V1PodStatus } from '@kubernetes/client-node';
import { toTimestamp } from '../api/times.ts';
import type { Pod, Wire } from '../objects.ts';
import type { PodCondition } from '../pod-condition.ts';
import { toStoredCondition } from '../pod-condition.ts';
import type { ContainerRun } from './container-run.ts';
import { exitCodeOf, isRunning } from './container-run.ts';

/** What the kubelet knows of a pod beyond its object. */
export type PodView = {
  runs: ContainerRun[];
  address: string;
  /** The surroundings of the containers are ready: what Kubernetes calls the sandbox. */
  sandbox: boolean;
  /** The pod's address shows from the first start of a container on. */
  addressed: boolean;
  /** All is over, so that a final phase may be shown. */
  settled: boolean;
  /** A word from above about the end: a deadline, a shutdown. The phase is then Failed, whatever the containers say. */
  verdict?: { reason: string; message: string; condition?: PodCondition };
};

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export const isFinal = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed';

/** The phase that the containers alone imply. Source: kubelet_pods.go, getPhase. */
export function decidePhase(runs: ContainerRun[], restartPolicy: string): Phase {
  const inits = runs.filter(({ role }) => role === 'init');
  if (restartPolicy === 'Never' && inits.some((run) => (exitCodeOf(run) ?? 0) !== 0)) return 'Failed';
  if (!isInitialized(runs)) return 'Pending';
  const mains = runs.filter(({ role }) => role === 'main');
  if (mains.some(({ state, lastState }) => state.waiting && !lastState.terminated)) return 'Pending';
  if (runs.some(isRunning)) return 'Running';
  if (restartPolicy === 'Always') return 'Running';
  if (mains.every((run) => exitCodeOf(run) === 0)) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

/** A sidecar counts from its first start on, and for ever. */
const isInitialized = (runs: ContainerRun[]) =>
  runs.every((run) => run.role === 'main' || hasDoneItsPart(run));

const hasDoneItsPart = (run: ContainerRun) =>
  run.role === 'sidecar' ? isRunning(run) || run.state.terminated !== undefined : exitCodeOf(run) === 0;

/** A pod that is over has a final phase, even if its containers would have been started again. */
function impliedPhase(pod: Pod, { runs, settled, verdict }: PodView): Phase {
  if (verdict) return 'Failed';
  return decidePhase(runs, settled ? 'Never' : (pod.spec.restartPolicy ?? 'Always'));
}

/** The whole status as the kubelet publishes it, made from the one before. */
export function toPodStatus(pod: Pod, view: PodView, now: Date): Wire<V1PodStatus> {
  const before = pod.status;
  const implied = impliedPhase(pod, view);
  const phase = isFinal(implied) && !view.settled ? (before.phase ?? 'Pending') : implied;
  const own = decideConditions(pod, view, implied);
  const ownTypes = new Set(own.map(({ type }) => type));
  const others = (before.conditions ?? []).filter(({ type }) => !ownTypes.has(type));
  const resources = sumResources(pod);
  return {
    ...before,
    observedGeneration: pod.metadata.generation,
    phase,
    conditions: [...own.map((condition) => toStoredCondition(condition, before.conditions, now)), ...others],
    ...(view.verdict && view.settled ? { message: view.verdict.message, reason: view.verdict.reason } : {}),
    hostIP: view.address,
    hostIPs: [{ ip: view.address }],
    ...(view.addressed ? { podIP: view.address, podIPs: [{ ip: view.address }] } : {}),
    startTime: before.startTime ?? toTimestamp(now),
    initContainerStatuses: toContainerStatuses(view.runs.filter(({ role }) => role !== 'main')),
    containerStatuses: toContainerStatuses(view.runs.filter(({ role }) => role === 'main')),
    ...(resources.requests ? { allocatedResources: resources.requests } : {}),
    resources,
  };
}

const namesOf = (runs: ContainerRun[]) => `[${runs.map(({ spec }) => spec.name).join(' ')}]`;

const isTrue = (type: string): PodCondition => ({ type, status: 'True' });
const isFalse = (type: string, reason?: string, message?: string): PodCondition => ({
  type,
  status: 'False',
  reason,
  message,
});

function decideConditions(pod: Pod, view: PodView, phase: Phase): PodCondition[] {
  const uninitialized = view.runs.filter((run) => run.role !== 'main' && !hasDoneItsPart(run));
  const unready = view.runs.filter((run) => run.role !== 'init' && !isRunning(run));
  const readiness = (type: string): PodCondition => {
    if (phase === 'Succeeded') return isFalse(type, 'PodCompleted');
    if (phase === 'Failed') return isFalse(type, 'PodFailed');
    if (unready.length === 0) return isTrue(type);
    return isFalse(type, 'ContainersNotReady', `containers with unready status: ${namesOf(unready)}`);
  };
  const initialized = (): PodCondition => {
    if (phase === 'Succeeded') return { ...isTrue('Initialized'), reason: 'PodCompleted' };
    if (uninitialized.length === 0) return isTrue('Initialized');
    const message = `containers with incomplete status: ${namesOf(uninitialized)}`;
    return isFalse('Initialized', 'ContainersNotInitialized', message);
  };
  const conditions = [
    view.sandbox ? isTrue('PodReadyToStartContainers') : isFalse('PodReadyToStartContainers'),
    initialized(),
    readiness('Ready'),
    readiness('ContainersReady'),
    isTrue('PodScheduled'),
    ...(view.verdict?.condition ? [view.verdict.condition] : []),
  ];
  return conditions.map((condition) => ({ ...condition, observedGeneration: pod.metadata.generation }));
}

function toContainerStatuses(runs: ContainerRun[]): Wire<V1ContainerStatus>[] | undefined {
  return runs.length === 0 ? undefined : runs.map(toContainerStatus);
}

function toContainerStatus(run: ContainerRun): Wire<V1ContainerStatus> {
  const { spec, role, state, lastState, restartCount, imageID, containerID } = run;
  const mounts = spec.volumeMounts?.map(({ name, mountPath, readOnly }) => ({
    name,
    mountPath,
    ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
  }));
  const running = isRunning(run);
  const requests = spec.resources?.requests;
  return {
    name: spec.name,
    state,
    lastState,
    ready: role === 'init' ? exitCodeOf(run) === 0 : running,
    restartCount,
    image: spec.image ?? '',
    imageID,
    containerID,
    started: running,
    ...(containerID === undefined ? {} : { allocatedResources: requests, resources: spec.resources ?? {} }),
    volumeMounts: mounts,
    ...(containerID === undefined ? {} : { user: { linux: processUser() } }),
  };
}

function processUser(): { uid: number; gid: number; supplementalGroups: number[] } {
  const { getuid, getgid, getgroups } = process;
  return { uid: getuid?.() ?? 0, gid: getgid?.() ?? 0, supplementalGroups: getgroups?.() ?? [] };
}

type Amounts = { [resource: string]: string };

/** The pod's own resources: those of its one container; left out where there are several. */
function sumResources({ spec }: Pod): { limits?: Amounts; requests?: Amounts } {
  const [only, ...more] = spec.containers;
  const { limits, requests } = (more.length === 0 && only?.resources) || {};
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}
