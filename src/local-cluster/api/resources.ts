import type { ResourceName } from '../objects.ts';
import type { StatusDetails } from './status-error.ts';
import { StatusError } from './status-error.ts';

/** What the API says of a resource in its paths, its discovery and its errors. */
export type ResourceInfo = {
  resource: ResourceName;
  group: string;
  version: 'v1';
  kind: string;
  singular: string;
  namespaced: boolean;
  shortNames: string[];
  categories?: string[];
  subresources: string[];
};

export const resources: Record<ResourceName, ResourceInfo> = {
  namespaces: {
    resource: 'namespaces',
    group: '',
    version: 'v1',
    kind: 'Namespace',
    singular: 'namespace',
    namespaced: false,
    shortNames: ['ns'],
    subresources: ['status'],
  },
  pods: {
    resource: 'pods',
    group: '',
    version: 'v1',
    kind: 'Pod',
    singular: 'pod',
    namespaced: true,
    shortNames: ['po'],
    categories: ['all'],
    subresources: ['log', 'status'],
  },
  events: {
    resource: 'events',
    group: '',
    version: 'v1',
    kind: 'Event',
    singular: 'event',
    namespaced: true,
    shortNames: ['ev'],
    subresources: [],
  },
  jobs: {
    resource: 'jobs',
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    singular: 'job',
    namespaced: true,
    shortNames: [],
    categories: ['all'],
    subresources: ['status'],
  },
};

export const resourceNames: readonly ResourceName[] = ['namespaces', 'jobs', 'pods', 'events'];

export const apiVersionOf = ({ group, version }: ResourceInfo): string =>
  group === '' ? version : `${group}/${version}`;

const qualify = (what: string, { group }: ResourceInfo) => (group === '' ? what : `${what}.${group}`);

/** `jobs.batch`, `pods`: how error messages name a resource. */
export const qualifiedName = (info: ResourceInfo): string => qualify(info.resource, info);

/** details of a Status: `kind` is the resource in 403, 404 and 409, and the kind in 422 and failed preconditions. */
export const detailsOf = (info: ResourceInfo, name: string, kind: string = info.resource): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(info.group === '' ? {} : { group: info.group }),
  kind,
});

export const notFound = (info: ResourceInfo, name: string): StatusError =>
  new StatusError('NotFound', `${qualifiedName(info)} "${name}" not found`, {
    details: detailsOf(info, name),
  });

export const alreadyExists = (info: ResourceInfo, name: string): StatusError =>
  new StatusError('AlreadyExists', `${qualifiedName(info)} "${name}" already exists`, {
    details: detailsOf(info, name),
  });

export const conflict = (info: ResourceInfo, name: string, why: string, kind?: string): StatusError =>
  new StatusError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualify(kind ?? info.resource, info)} "${name}": ${why}`,
    { details: detailsOf(info, name, kind) },
  );

export const forbidden = (info: ResourceInfo, name: string, why: string): StatusError =>
  new StatusError('Forbidden', `${qualifiedName(info)} "${name}" is forbidden: ${why}`, {
    details: detailsOf(info, name),
  });
