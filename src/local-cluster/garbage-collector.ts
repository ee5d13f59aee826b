/**
 * The garbage collector: what belongs to an object that is gone goes too.
 *
 * Owns: deletion of dependents (by the uid in ownerReferences), the finalizers foregroundDeletion and orphan, and the
 * job-tracking finalizer of pods whose Job is gone or going.
 * May import: the registry's type, the work queue. Never: HTTP, processes, the disk.
 */
import type { Logger } from 'pino';
import type { Dependent, Owner, Place } from './dependents.ts';
import { createDependents, toKey, toOwnerPlace, toPlace } from './dependents.ts';
import { finalizers, hasFinalizer, isCollecting, removeFinalizer } from './finalizers.ts';
import type { Registry } from './registry-contract.ts';
import { createWorkQueue } from './work-queue.ts';

/** Starts with a look at everything, so that what a crash left half done is finished. */
export function startGarbageCollector({
  registry,
  log,
}: {
  registry: Registry;
  log: Pick<Logger, 'error'>;
}): {
  stop: () => void;
} {
  const dependents = createDependents();
  const queue = createWorkQueue({
    work: (key) => tend(toPlace(key)),
    onError: (error, object) => log.error({ err: error, object }, 'an object could not be collected'),
  });

  function watch(resource: Place['resource']): () => void {
    const keyOf = ({ metadata: { namespace = '', name } }: Dependent) => toKey({ resource, namespace, name });
    for (const object of registry.list(resource)) {
      dependents.link(object, keyOf(object));
      queue.add(keyOf(object));
    }
    return registry.subscribe(resource, ({ type, object, previous }) => {
      const gone = type === 'DELETED';
      if (!gone && previous && toMarks(previous) === toMarks(object)) return;
      if (previous) dependents.unlink(previous, keyOf(object));
      if (gone) dependents.unlink(object, keyOf(object));
      else dependents.link(object, keyOf(object));
      queue.add(keyOf(object));
      if (gone || isCollecting(object.metadata)) dependents.keysOf(object.metadata.uid).forEach(queue.add);
      // An owner in the foreground may have waited for just this one.
      for (const owner of previous?.metadata.ownerReferences ?? []) {
        const place = toOwnerPlace(owner, object);
        if (place) queue.add(toKey(place));
      }
    });
  }

  const find = ({ resource, namespace, name }: Place): Dependent | undefined =>
    registry.find(resource, namespace, name);

  /** An owner that is gone, or that waits in the foreground for its dependents to go first. */
  function isLost(owner: Owner, dependent: Dependent): boolean {
    const place = toOwnerPlace(owner, dependent);
    if (!place) return false;
    const found = find(place);
    if (found?.metadata.uid !== owner.uid) return true;
    return isCollecting(found.metadata) && hasFinalizer(found.metadata, finalizers.foreground);
  }

  function tend(place: Place): void {
    const owner = find(place);
    if (owner && isCollecting(owner.metadata)) letGo(place, owner);
    const dependent = find(place);
    if (dependent) collect(place, dependent);
  }

  /** Ends a deletion: at once when the dependents are left behind, else when those that block it are gone. */
  function letGo(place: Place, { metadata }: Dependent): void {
    const owned = dependents.keysOf(metadata.uid).map(toPlace);
    const isThis = ({ uid }: Owner) => uid === metadata.uid;
    if (hasFinalizer(metadata, finalizers.orphan)) {
      for (const dependent of owned) dropOwners(dependent, isThis);
      dropFinalizer(place, finalizers.orphan);
      return;
    }
    const blocks = (dependent: Place) =>
      find(dependent)?.metadata.ownerReferences?.some(
        (owner) => isThis(owner) && owner.blockOwnerDeletion === true,
      );
    if (!owned.some(blocks)) dropFinalizer(place, finalizers.foreground);
  }

  /** Deletes what has lost its last owner. One owner that stays keeps it, and only the lost references go. */
  function collect(place: Place, object: Dependent): void {
    const owners = object.metadata.ownerReferences ?? [];
    const lost = owners.filter((owner) => isLost(owner, object));
    // No controller is left that would count the pod, and the finalizer would keep it for ever.
    const controller = owners.find((owner) => owner.controller === true);
    if (place.resource === 'pods' && (!controller || lost.includes(controller))) {
      dropFinalizer(place, finalizers.jobTracking);
    }
    if (lost.length === 0) return;
    if (lost.length < owners.length) dropOwners(place, (owner) => lost.some(({ uid }) => uid === owner.uid));
    else if (object.metadata.deletionTimestamp === undefined) {
      registry.delete(place.resource, place, { propagationPolicy: 'Background' });
    }
  }

  function dropFinalizer(place: Place, finalizer: string): void {
    registry.update(place.resource, place, ({ metadata }) => removeFinalizer(metadata, finalizer));
  }

  function dropOwners(place: Place, isDropped: (owner: Owner) => boolean): void {
    registry.update(place.resource, place, ({ metadata }) => {
      const left = (metadata.ownerReferences ?? []).filter((owner) => !isDropped(owner));
      if (left.length > 0) metadata.ownerReferences = left;
      else delete metadata.ownerReferences;
    });
  }

  const stops = [watch('jobs'), watch('pods'), queue.stop];
  return { stop: () => stops.forEach((stop) => stop()) };
}

/** All that matters here; changes of the rest, such as each change of a status, are passed over. */
const toMarks = ({
  metadata: { ownerReferences, finalizers: present, deletionTimestamp },
}: Dependent): string => JSON.stringify([ownerReferences, present, deletionTimestamp]);
