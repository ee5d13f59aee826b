import type { Pod } from '../objects.ts';
import type { Registry } from '../registry-contract.ts';

export type PodsByJob = { podsOf: (job: { namespace: string; uid: string }) => Pod[]; stop: () => void };

/** The owner that runs the pod, if that is a Job. */
export function findJobReference(pod: Pod): { name: string; uid: string } | undefined {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'Job' ? { name: owner.name, uid: owner.uid } : undefined;
}

/**
 * An index over the pods, so that a change of one pod costs its Job's pods and not the cluster's. `onChange` hears, for
 * every change of a pod, the Job that owns it or owned it before.
 */
export function indexPodsByJob(
  registry: Registry,
  onChange: (job: { namespace: string; name: string }) => void,
): PodsByJob {
  const podNames = new Map<string, Set<string>>();

  function place(pod: Pod): void {
    const job = findJobReference(pod);
    if (!job) return;
    const known = podNames.get(job.uid) ?? new Set();
    podNames.set(job.uid, known.add(pod.metadata.name));
  }

  function displace(pod: Pod): void {
    const uid = findJobReference(pod)?.uid ?? '';
    const known = podNames.get(uid);
    if (known?.delete(pod.metadata.name) && known.size === 0) podNames.delete(uid);
  }

  for (const pod of registry.list('pods')) place(pod);
  const stop = registry.subscribe('pods', ({ type, object, previous }) => {
    if (previous && findJobReference(previous)?.uid !== findJobReference(object)?.uid) displace(previous);
    if (type === 'DELETED') displace(object);
    else place(object);
    for (const pod of previous ? [previous, object] : [object]) {
      const job = findJobReference(pod);
      if (job) onChange({ namespace: pod.metadata.namespace ?? '', name: job.name });
    }
  });

  return {
    stop,
    podsOf: ({ namespace, uid }) =>
      [...(podNames.get(uid) ?? [])]
        .map((name) => registry.find('pods', namespace, name))
        .filter((pod) => !!pod),
  };
}
