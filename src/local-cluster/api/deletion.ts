import type { ResourceName, ResourceObjects, StoredMeta } from '../objects.ts';
import type { DeleteOptions } from '../registry-contract.ts';
import { cloneJson } from './json.ts';
import { conflict, forbidden, resources } from './resources.ts';
import { toTimestamp } from './times.ts';

/** What a DELETE does to an object: take it away, write it with these marks first (and then perhaps take it away), or nothing. */
export type Deletion<T> =
  { step: 'remove' } | { step: 'mark'; marked: T; thenRemove: boolean } | { step: 'keep' };

export function checkPreconditions(
  resource: ResourceName,
  metadata: StoredMeta,
  options: DeleteOptions,
): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const info = resources[resource];
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(info, metadata.name, why, info.kind);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(info, metadata.name, why, info.kind);
  }
}

const garbageFinalizers = { Orphan: 'orphan', Foreground: 'foregroundDeletion' } as const;

/** The finalizers after the propagation policy had its say; Jobs without a policy orphan their pods, as batch/v1 does. */
function toFinalizers(resource: ResourceName, metadata: StoredMeta, options: DeleteOptions): string[] {
  const policy = options.propagationPolicy ?? (resource === 'jobs' ? 'Orphan' : undefined);
  const present = metadata.finalizers ?? [];
  const known: string[] = Object.values(garbageFinalizers);
  if (policy === undefined) return present;
  const others = present.filter((finalizer) => !known.includes(finalizer));
  return policy === 'Background' ? others : [...others, garbageFinalizers[policy]];
}

/** A later end could not be written: years have four digits. */
const longestGraceSeconds = 2 ** 31 - 1;

/** Kubernetes takes what is negative for one second. */
const toGrace = (seconds: number) => (seconds < 0 ? 1 : Math.min(seconds, longestGraceSeconds));

const addSeconds = (at: Date, seconds: number) => toTimestamp(new Date(at.getTime() + seconds * 1000));

/** Sets the marks of a deletion under way. Raises the generation when it is the first. */
function markDeleting(metadata: StoredMeta, at: string, graceSeconds: number): void {
  if (metadata.deletionTimestamp === undefined && metadata.generation !== undefined) metadata.generation += 1;
  metadata.deletionTimestamp = at;
  metadata.deletionGracePeriodSeconds = graceSeconds;
}

function decidePodDeletion(
  pod: ResourceObjects['pods'],
  options: DeleteOptions,
  now: Date,
): Deletion<typeof pod> {
  const finished = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
  const bound = pod.spec.nodeName !== undefined && !finished;
  const asked = toGrace(options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
  const { deletionTimestamp, deletionGracePeriodSeconds: pending } = pod.metadata;
  const marked = cloneJson(pod);
  if (deletionTimestamp !== undefined && pending !== undefined) {
    // A second delete may only shorten the time that is left.
    if (options.gracePeriodSeconds === undefined || asked >= pending) return { step: 'keep' };
    markDeleting(marked.metadata, addSeconds(new Date(deletionTimestamp), asked - pending), asked);
  } else {
    const grace = bound ? asked : 0;
    markDeleting(marked.metadata, addSeconds(now, grace), grace);
  }
  const finalizers = toFinalizers('pods', pod.metadata, options);
  marked.metadata.finalizers = finalizers.length === 0 ? undefined : finalizers;
  const thenRemove = marked.metadata.deletionGracePeriodSeconds === 0 && finalizers.length === 0;
  return { step: 'mark', marked, thenRemove };
}

function decideNamespaceDeletion(
  namespace: ResourceObjects['namespaces'],
  now: Date,
): Deletion<typeof namespace> {
  const { name } = namespace.metadata;
  if (['default', 'kube-system', 'kube-public'].includes(name)) {
    throw forbidden(resources.namespaces, name, 'this namespace may not be deleted');
  }
  if (namespace.metadata.deletionTimestamp !== undefined) return { step: 'keep' };
  const marked = cloneJson(namespace);
  marked.metadata.deletionTimestamp = toTimestamp(now);
  marked.status = { ...marked.status, phase: 'Terminating' };
  return { step: 'mark', marked, thenRemove: false };
}

function decideOtherDeletion<R extends 'jobs' | 'events'>(
  resource: R,
  object: ResourceObjects[R],
  options: DeleteOptions,
  now: Date,
): Deletion<ResourceObjects[R]> {
  const finalizers = toFinalizers(resource, object.metadata, options);
  if (finalizers.length === 0) return { step: 'remove' };
  const marked = cloneJson(object);
  marked.metadata.finalizers = finalizers;
  if (object.metadata.deletionTimestamp === undefined) markDeleting(marked.metadata, toTimestamp(now), 0);
  return { step: 'mark', marked, thenRemove: false };
}

const deciders: {
  [R in ResourceName]: (
    object: ResourceObjects[R],
    options: DeleteOptions,
    now: Date,
  ) => Deletion<ResourceObjects[R]>;
} = {
  pods: decidePodDeletion,
  namespaces: (object, _options, now) => decideNamespaceDeletion(object, now),
  jobs: (object, options, now) => decideOtherDeletion('jobs', object, options, now),
  events: (object, options, now) => decideOtherDeletion('events', object, options, now),
};

export const decideDeletion = <R extends ResourceName>(
  resource: R,
  object: ResourceObjects[R],
  options: DeleteOptions,
  now: Date,
): Deletion<ResourceObjects[R]> => deciders[resource](object, options, now);

/** Whether an object with these marks has nothing left to wait for. */
export function isReadyToGo(object: ResourceObjects[ResourceName]): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers ?? []).length > 0) return false;
  if (
    object.kind === 'Namespace' &&
    'spec' in object &&
    object.spec !== undefined &&
    'finalizers' in object.spec
  ) {
    return (object.spec.finalizers ?? []).length === 0;
  }
  return (deletionGracePeriodSeconds ?? 0) === 0;
}
