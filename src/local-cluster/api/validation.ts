import type { ResourceName, ResourceObjects } from '../objects.ts';

export function validateCreate<R extends ResourceName>(_resource: R, _draft: ResourceObjects[R]): void {}

export function validateUpdate<R extends ResourceName>(
  _resource: R,
  _draft: ResourceObjects[R],
  _current: ResourceObjects[R],
): void {}
