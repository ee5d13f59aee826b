import type { Pod } from '../objects.ts';
import type { ContainerRun } from './container-run.ts';

const unknownEnd = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
};

/** The containers of a pod, in the order in which they start, as its status remembers them. */
export function toRuns(pod: Pod): ContainerRun[] {
  const { initContainers = [], containers } = pod.spec;
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const waiting = {
    waiting: { reason: initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating' },
  };
  const toRun = (spec: ContainerRun['spec'], role: ContainerRun['role']): ContainerRun => {
    const status = statuses.find(({ name }) => name === spec.name);
    return {
      spec,
      role,
      state: status?.state ?? waiting,
      lastState: status?.lastState ?? {},
      restartCount: status?.restartCount ?? 0,
      containerID: status?.containerID,
      imageID: status?.imageID ?? '',
    };
  };
  return [
    ...initContainers.map((spec) => toRun(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init')),
    ...containers.map((spec) => toRun(spec, 'main')),
  ];
}

/**
 * Gives every container that should have an end and has none the end that Kubernetes gives it. A container that was
 * never reached because an init container before it did not finish keeps waiting.
 */
export function markUnknownEnds(runs: ContainerRun[]): void {
  for (const run of runs) {
    if (run.state.terminated) continue;
    if (run.role !== 'main' && run.containerID === undefined) return;
    const startedAt = run.state.running?.startedAt;
    run.state = { terminated: { ...unknownEnd, startedAt, containerID: run.containerID } };
    if (run.role === 'init') return;
  }
}
