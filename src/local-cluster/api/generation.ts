import type { ResourceName, ResourceObjects } from '../objects.ts';
import { isSameJson } from './json.ts';

const specOf = <R extends ResourceName>(object: ResourceObjects[R]): unknown => {
  if (object.kind === 'Job' && 'spec' in object) return object.spec;
  if (object.kind !== 'Pod' || !('spec' in object) || object.spec === undefined) return undefined;
  // Binding a pod to its node is no change of what its author wanted.
  return { ...object.spec, nodeName: undefined };
};

/** A changed spec raises the generation of Jobs and pods. */
export function raiseGeneration<R extends ResourceName>(current: ResourceObjects[R], draft: ResourceObjects[R]): void {
  if (isSameJson(specOf(current), specOf(draft))) return;
  draft.metadata.generation = (current.metadata.generation ?? 0) + 1;
}
