import type { Logger } from 'pino';
import { StatusError } from './api/status-error.ts';
import { detailsOf, notFound, qualifiedName, resources } from './api/resources.ts';
import type { ResourceName } from './objects.ts';
import type { ObjectStore } from './object-store.ts';
import type { ApiRegistry } from './registry-contract.ts';
import { createWorkQueue } from './work-queue.ts';

const systemNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
const contents = ['jobs', 'pods', 'events'] as const;

export function createSystemNamespaces(registry: ApiRegistry): void {
  for (const name of systemNamespaces) {
    if (registry.find('namespaces', '', name) === undefined)
      registry.create('namespaces', '', { metadata: { name } });
  }
}

/** Refuses what is created in a namespace that is not there, or that is going. Throws StatusError 404, 403. */
export function checkNamespace(
  store: ObjectStore,
  resource: ResourceName,
  object: { namespace: string; name: string },
): void {
  const info = resources[resource];
  if (!info.namespaced) return;
  const name = object.namespace;
  const namespace = store.get('namespaces', '', name);
  if (namespace === undefined) throw notFound(resources.namespaces, name);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  throw new StatusError(
    'Forbidden',
    `${qualifiedName(info)} "${object.name}" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
    {
      details: {
        ...detailsOf(info, object.name),
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${name} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    },
  );
}

/** Empties namespaces that are being deleted, and lets them go when nothing is left in them. */
export function startNamespaceLifecycle(registry: ApiRegistry, log: Pick<Logger, 'error'>): { stop(): void } {
  // In a turn of its own: the answer to the DELETE shows the namespace Terminating, with its contents.
  const queue = createWorkQueue({
    work: sweep,
    onError: (error, namespace) => log.error({ err: error, namespace }, 'a namespace could not be emptied'),
  });

  function sweep(name: string): void {
    const namespace = registry.find('namespaces', '', name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    for (const resource of contents) {
      for (const { metadata } of registry.list(resource, name)) {
        if (
          metadata.deletionTimestamp !== undefined ||
          registry.find(resource, name, metadata.name) === undefined
        )
          continue;
        registry.delete(
          resource,
          { namespace: name, name: metadata.name },
          { propagationPolicy: 'Background' },
        );
      }
    }
    if (contents.some((resource) => registry.list(resource, name).length > 0)) return;
    registry.update('namespaces', { namespace: '', name, uid: namespace.metadata.uid }, (draft) => {
      draft.spec = {};
    });
  }

  const isGoing = (name: string | undefined) =>
    name !== undefined && registry.find('namespaces', '', name)?.metadata.deletionTimestamp !== undefined;

  const unsubscribers = [
    registry.subscribe('namespaces', ({ type, object }) => {
      if (type === 'MODIFIED' && object.metadata.deletionTimestamp !== undefined)
        queue.add(object.metadata.name);
    }),
    ...contents.map((resource) =>
      registry.subscribe(resource, ({ type, object }) => {
        const { namespace } = object.metadata;
        if (type === 'DELETED' && namespace !== undefined && isGoing(namespace)) queue.add(namespace);
      }),
    ),
  ];
  for (const { metadata } of registry.list('namespaces')) {
    if (metadata.deletionTimestamp !== undefined) queue.add(metadata.name);
  }

  return {
    stop() {
      for (const unsubscribe of unsubscribers) unsubscribe();
      queue.stop();
    },
  };
}
