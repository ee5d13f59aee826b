/**
 * The scheduler: binds pods to the one node there is, or says why it cannot.
 *
 * Owns: `spec.nodeName` and the PodScheduled condition of pods that are not bound. Never: anything of bound pods.
 */
import type { Logger } from 'pino';
import { findQuantity } from './api/quantity.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Machine } from './machine.ts';
import { findAffinityFault } from './node-affinity.ts';
import type { Pod } from './objects.ts';
import { setPodCondition } from './pod-condition.ts';
import type { Registry } from './registry-contract.ts';
import { createWorkQueue } from './work-queue.ts';

const component = 'default-scheduler';

export function startScheduler({
  registry,
  events,
  machine,
  log,
}: {
  registry: Registry;
  events: EventRecorder;
  machine: Machine;
  log: Pick<Logger, 'error'>;
}): { stop: () => void } {
  const retries = createWorkQueue({
    work(key) {
      const [namespace = '', name = ''] = key.split('/');
      const pod = registry.find('pods', namespace, name);
      if (pod) consider(pod);
    },
    onError: (error, pod) => log.error({ err: error, pod }, 'a pod could not be bound'),
  });

  function consider(pod: Pod): void {
    const { metadata, spec } = pod;
    if (spec.nodeName !== undefined || metadata.deletionTimestamp !== undefined) return;
    if ((spec.schedulerName ?? component) !== component) return;
    if ((spec.schedulingGates ?? []).length > 0) {
      leave(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates');
      return;
    }
    const fault = findFault(pod, machine);
    if (fault === undefined) bind(pod);
    else leave(pod, 'Unschedulable', toMessage(fault));
  }

  function bind(pod: Pod): void {
    const { name, namespace = '', uid } = pod.metadata;
    const bound = registry.update('pods', { namespace, name, uid }, (draft) => {
      draft.spec.nodeName = machine.name;
      setPodCondition(draft, { type: 'PodScheduled', status: 'True' }, new Date());
    });
    if (!bound) return;
    const message = `Successfully assigned ${namespace}/${name} to ${machine.name}`;
    events.record({ about: pod, type: 'Normal', reason: 'Scheduled', message, component });
  }

  /** Says so once: the fault of a pod on a single machine does not go away by itself. */
  function leave(pod: Pod, reason: string, message: string): void {
    const { name, namespace = '', uid } = pod.metadata;
    const said = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
    if (said?.reason === reason && said.message === message) return;
    registry.update('pods', { namespace, name, uid }, (draft) => {
      const { generation } = draft.metadata;
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason,
        message,
        observedGeneration: generation,
      };
      setPodCondition(draft, condition, new Date());
    });
    if (reason !== 'Unschedulable') return;
    events.record({ about: pod, type: 'Warning', reason: 'FailedScheduling', message, component });
  }

  /** At once, and again for as long as the disk does not take it; the queue tells why. */
  function take(pod: Pod): void {
    try {
      consider(pod);
    } catch {
      retries.add(`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`);
    }
  }

  const unsubscribe = registry.subscribe('pods', ({ type, object }) => {
    if (type !== 'DELETED') take(object);
  });
  for (const pod of registry.list('pods')) take(pod);
  return {
    stop() {
      unsubscribe();
      retries.stop();
    },
  };
}

const toMessage = (fault: string) =>
  `0/1 nodes are available: 1 ${fault}. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`;

/**
 * Why the pod cannot run on this machine, in the scheduler's words. What other pods have asked for is not counted:
 * the operating system shares out what there is.
 */
function findFault(pod: Pod, machine: Machine): string | undefined {
  const affinityFault = findAffinityFault(pod, machine.labels);
  if (affinityFault !== undefined) return affinityFault;
  const short = Object.keys(machine.capacity).filter(
    (resource) => sumRequests(pod, resource) > (machine.capacity[resource] ?? 0),
  );
  const unknown = askedFor(pod).filter((resource) => machine.capacity[resource] === undefined);
  const lacking = [...short, ...unknown];
  return lacking.length === 0
    ? undefined
    : lacking.map((resource) => `Insufficient ${resource}`).join(', 1 ');
}

const askedFor = ({ spec }: Pod) => [
  ...new Set(spec.containers.flatMap(({ resources }) => Object.keys(resources?.requests ?? {}))),
];

/** Containers run side by side; an init container runs alone before them. */
function sumRequests({ spec }: Pod, resource: string): number {
  const requestOf = ({ resources }: (typeof spec.containers)[number]) =>
    findQuantity(resources?.requests?.[resource] ?? '0') ?? 0;
  const together = spec.containers.reduce((sum, container) => sum + requestOf(container), 0);
  return Math.max(together, ...(spec.initContainers ?? []).map(requestOf));
}
