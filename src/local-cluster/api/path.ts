import type { ResourceName } from '../objects.ts';
import { resources, resourceNames } from './resources.ts';

/** A path of the API, taken apart. */
export type ResourcePath = {
  resource: ResourceName;
  /** undefined: all namespaces, or a resource that has none. */
  namespace?: string;
  name?: string;
  subresource?: string;
  /** The deprecated `/watch/` paths. */
  watch: boolean;
};

export type ParsedPath = { is: 'resource'; at: ResourcePath } | { is: 'unknown-resource' } | { is: 'other' };

const groupVersions = new Map([
  ['', ['api', 'v1']],
  ['batch', ['apis', 'batch', 'v1']],
]);

const findResource = (group: string, plural: string | undefined): ResourceName | undefined =>
  resourceNames.find((name) => name === plural && resources[name].group === group);

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parseInGroup(group: string, segments: string[]): ParsedPath {
  const watch = segments[0] === 'watch';
  const rest = watch ? segments.slice(1) : segments;
  if (group === '' && rest[0] === 'namespaces') {
    const [, name, third] = rest;
    const isNamespaced = third !== undefined && findResource('', third) !== undefined;
    if (!isNamespaced) {
      if (rest.length > 3) return { is: 'unknown-resource' };
      return { is: 'resource', at: { resource: 'namespaces', watch, name, subresource: third } };
    }
  }
  const [namespace, [plural, name, subresource, ...tail]] =
    rest[0] === 'namespaces' ? [rest[1], rest.slice(2)] : [undefined, rest];
  const resource = findResource(group, plural);
  if (resource === undefined || tail.length > 0 || (namespace === undefined && name !== undefined)) {
    return { is: 'unknown-resource' };
  }
  return { is: 'resource', at: { resource, namespace, name, subresource, watch } };
}

/** `path` is without the prefix and the query. */
export function parsePath(path: string): ParsedPath {
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  for (const [group, start] of groupVersions) {
    if (start.every((part, index) => segments[index] === part) && segments.length > start.length) {
      return parseInGroup(group, segments.slice(start.length));
    }
  }
  return { is: 'other' };
}
