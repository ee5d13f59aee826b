import type { ResourceName, ResourceObjects } from '../objects.ts';

const isJob = (object: ResourceObjects[ResourceName]): object is ResourceObjects['jobs'] =>
  object.kind === 'Job';

/** What the server accepts but advises against, for Warning headers. */
export function warningsOf(object: ResourceObjects[ResourceName]): string[] {
  if (object.kind !== 'Job' && object.kind !== 'Pod') return [];
  const warnings: string[] = [];
  if (object.metadata.name.includes('.')) {
    warnings.push(
      'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    );
  }
  if (isJob(object) && object.spec.completionMode === 'Indexed') {
    const { completions = 0, parallelism = 0 } = object.spec;
    if (completions > 100_000 && parallelism > 10_000) {
      warnings.push(
        'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
      );
    }
  }
  return warnings;
}
