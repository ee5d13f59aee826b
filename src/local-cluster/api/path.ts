import type { ResourceName } from '../objects.ts';
import { resources, resourceNames } from './resources.ts';
import { StatusError } from './status-error.ts';

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

const unknownResource: ParsedPath = { is: 'unknown-resource' };

const groupVersions = new Map([
  ['', ['api', 'v1']],
  ['batch', ['apis', 'batch', 'v1']],
]);

const findResource = (group: string, plural: string | undefined): ResourceName | undefined =>
  resourceNames.find((name) => name === plural && resources[name].group === group);

function parseInGroup(group: string, segments: string[]): ParsedPath {
  const watch = segments[0] === 'watch';
  const rest = watch ? segments.slice(1) : segments;
  if (group === '' && rest[0] === 'namespaces') {
    const [, name, third] = rest;
    const isNamespaced = third !== undefined && findResource('', third) !== undefined;
    if (!isNamespaced) {
      if (rest.length > 3) return unknownResource;
      return { is: 'resource', at: { resource: 'namespaces', watch, name, subresource: third } };
    }
  }
  const [namespace, [plural, name, subresource, ...tail]] =
    rest[0] === 'namespaces' ? [rest[1], rest.slice(2)] : [undefined, rest];
  const resource = findResource(group, plural);
  if (resource === undefined || tail.length > 0 || (namespace === undefined && name !== undefined)) {
    return unknownResource;
  }
  return { is: 'resource', at: { resource, namespace, name, subresource, watch } };
}

/** Refuses what no name can be that stands in a path. */
function checkName(name: string): void {
  const faults =
    name === '.' || name === '..'
      ? [`may not be '${name}'`]
      : ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
  if (faults.length === 0) return;
  throw new StatusError('BadRequest', `Name parameter invalid: ${JSON.stringify(name)}: ${faults.join(';')}`);
}

/** `path` is without the prefix and the query, and decoded. Throws StatusError 400. */
export function parsePath(path: string): ParsedPath {
  const segments = path.replace(/^\/|\/$/g, '').split('/');
  for (const [group, start] of groupVersions) {
    if (start.every((part, index) => segments[index] === part) && segments.length > start.length) {
      const rest = segments.slice(start.length);
      // Nothing is left out or joined: `pods//name` is not `pods/name`.
      const parsed = rest.includes('') ? unknownResource : parseInGroup(group, rest);
      if (parsed.is === 'resource') checkName(parsed.at.name ?? '');
      return parsed;
    }
  }
  return { is: 'other' };
}
