import type { ResourceName, ResourceObjects } from '../objects.ts';
import { isSameJson } from './json.ts';

const specOf = (object: ResourceObjects[ResourceName]): unknown => {
  if (object.kind === 'Job' && 'spec' in object) return object.spec;
  if (object.kind !== 'Pod' || !('spec' in object) || object.spec === undefined) return undefined;
  // Binding a pod to its node is no change of what its author wanted.
  return { ...object.spec, nodeName: undefined };
};

/** A changed spec raises the generation of Jobs and pods. */
export function raiseGeneration(
  current: ResourceObjects[ResourceName],
  draft: ResourceObjects[ResourceName],
): void {
  if (isSameJson(specOf(current), specOf(draft))) return;
  draft.metadata.generation = (current.metadata.generation ?? 0) + 1;
}
