import type { Job, Pod } from './objects.ts';

export type Owner = NonNullable<Pod['metadata']['ownerReferences']>[number];
export type Dependent = Job | Pod;

/** Where an object that can own or be owned stands in the registry. */
export type Place = { resource: 'jobs' | 'pods'; namespace: string; name: string };

/** The kinds that can own something here. What others own is left alone, since nobody can tell if they exist. */
const ownerResources: Record<string, Place['resource'] | undefined> = {
  'batch/v1 Job': 'jobs',
  'v1 Pod': 'pods',
};

export function toOwnerPlace({ apiVersion, kind, name }: Owner, dependent: Dependent): Place | undefined {
  const resource = ownerResources[`${apiVersion} ${kind}`];
  return resource && { resource, namespace: dependent.metadata.namespace ?? '', name };
}

export const toKey = ({ resource, namespace, name }: Place): string => `${resource}/${namespace}/${name}`;

export function toPlace(key: string): Place {
  const [resource, namespace = '', name = ''] = key.split('/');
  return { resource: resource === 'jobs' ? 'jobs' : 'pods', namespace, name };
}

/** Who belongs to whom, by the owner's uid. */
export function createDependents() {
  const byOwner = new Map<string, Set<string>>();

  function link({ metadata }: Dependent, key: string): void {
    for (const { uid } of metadata.ownerReferences ?? [])
      byOwner.set(uid, (byOwner.get(uid) ?? new Set()).add(key));
  }

  function unlink({ metadata }: Dependent, key: string): void {
    for (const { uid } of metadata.ownerReferences ?? []) {
      const known = byOwner.get(uid);
      if (known?.delete(key) && known.size === 0) byOwner.delete(uid);
    }
  }

  return { link, unlink, keysOf: (ownerUid: string): string[] => [...(byOwner.get(ownerUid) ?? [])] };
}
