/**
 * The registry: every object of the cluster, and the one place where they change.
 *
 * Owns: names, uids, generations, finalizers and graceful deletion, the life of namespaces, the expiry of Events.
 * May import: the object store, and the API's defaults, validation and error words. Never: HTTP, processes.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { prepareForCreate, prepareForUpdate } from './api/admission.ts';
import { checkPreconditions, decideDeletion, isReadyToGo } from './api/deletion.ts';
import { raiseGeneration } from './api/generation.ts';
import { cloneJson, dropUndefined, freeze, isSameJson } from './api/json.ts';
import { generateName } from './api/names.ts';
import { alreadyExists, notFound, resources } from './api/resources.ts';
import { toTimestamp } from './api/times.ts';
import type { HistoryBounds } from './change-history.ts';
import { startEventExpiry } from './event-expiry.ts';
import { checkNamespace, createSystemNamespaces, startNamespaceLifecycle } from './namespace-lifecycle.ts';
import { openObjectStore } from './object-store.ts';
import type { ApiRegistry, Registry } from './registry-contract.ts';
import type { ResourceName, ResourceObjects, StoredMeta } from './objects.ts';

export type RegistryOptions = {
  dataDir: string;
  log: Pick<Logger, 'error'>;
  now?: () => Date;
} & Partial<HistoryBounds>;

/** Of what is kept for watches and for the later pages of lists. */
const historyBounds: HistoryBounds = { historySize: 1000, historyBytes: 16 * 1024 * 1024 };

/** Go leaves out what is empty; a controller that has removed the last finalizer leaves an empty list. */
function dropEmptyLists(metadata: StoredMeta): void {
  if (metadata.finalizers?.length === 0) delete metadata.finalizers;
  if (metadata.ownerReferences?.length === 0) delete metadata.ownerReferences;
}

const generateNameAttempts = 8;

/**
 * As etcd's limit, of what is created or revised. What controllers and the kubelet write of their own they add to an object
 * that was let in, and must be able to say of it how it ended.
 */
const mostBytes = 1.5 * 1024 * 1024;

/** Opens the registry over the data directory, with the namespaces that every cluster has. */
export function openRegistry(options: RegistryOptions): ApiRegistry {
  const { now = () => new Date(), log, ...where } = options;
  const store = openObjectStore({ ...historyBounds, ...where, log });

  function get<R extends ResourceName>(
    resource: R,
    key: { namespace: string; name: string },
  ): ResourceObjects[R] {
    const object = store.get(resource, key.namespace, key.name);
    if (object === undefined) throw notFound(resources[resource], key.name);
    return object;
  }

  function chooseName(
    resource: ResourceName,
    namespace: string,
    metadata: { name?: string; generateName?: string },
  ) {
    const { name = '', generateName: base = '' } = metadata;
    if (name !== '' || base === '') return name;
    for (let attempt = 1; attempt < generateNameAttempts; attempt += 1) {
      const drawn = generateName(base);
      if (store.get(resource, namespace, drawn) === undefined) return drawn;
    }
    return generateName(base);
  }

  const create: ApiRegistry['create'] = (resource, namespace, input, { dryRun = false } = {}) => {
    const draft = prepareForCreate(resource, input, {
      namespace,
      uid: randomUUID(),
      creationTimestamp: toTimestamp(now()),
      checkNamespace: (name) => checkNamespace(store, resource, { namespace, name }),
      chooseName: (metadata) => chooseName(resource, namespace, metadata),
      dryRun,
    });
    if (store.get(resource, namespace, draft.metadata.name) !== undefined) {
      throw alreadyExists(resources[resource], draft.metadata.name);
    }
    return dryRun ? draft : store.commit('ADDED', resource, draft, mostBytes);
  };

  /** Writes the draft, or takes the object away (as it stood) when the draft has nothing left to wait for. */
  function write<R extends ResourceName>(
    resource: R,
    current: ResourceObjects[R],
    draft: ResourceObjects[R],
    limit?: number,
  ): ResourceObjects[R] {
    if (!isReadyToGo(draft)) return store.commit('MODIFIED', resource, draft, limit);
    store.commit('DELETED', resource, cloneJson(current));
    dropUndefined(draft);
    return freeze(draft);
  }

  const update: Registry['update'] = (resource, key, change) => {
    const current = store.get(resource, key.namespace, key.name);
    if (current === undefined || (key.uid !== undefined && key.uid !== current.metadata.uid))
      return undefined;
    const draft = cloneJson(current);
    if (change(draft) === false) return current;
    dropEmptyLists(draft.metadata);
    if (isSameJson(draft, current)) return current;
    raiseGeneration(current, draft);
    return write(resource, current, draft);
  };

  const revise: ApiRegistry['revise'] = (resource, key, { edit, subresource, dryRun = false }) => {
    const current = get(resource, key);
    const draft = prepareForUpdate(resource, current, edit(cloneJson(current)), subresource);
    if (isSameJson(draft, current)) return current;
    raiseGeneration(current, draft);
    return dryRun ? draft : write(resource, current, draft, mostBytes);
  };

  const remove: ApiRegistry['delete'] = (resource, key, { dryRun = false, ...deletion } = {}) => {
    const object = get(resource, key);
    checkPreconditions(resource, object.metadata, deletion);
    const decision = decideDeletion(resource, object, deletion, now());
    if (decision.step === 'keep') return object;
    if (decision.step === 'remove')
      return dryRun ? object : store.commit('DELETED', resource, cloneJson(object));
    if (dryRun) return decision.marked;
    const marked = isSameJson(decision.marked, object)
      ? object
      : store.commit('MODIFIED', resource, decision.marked);
    // The mark may have been acted on by a listener, so that the object is gone already.
    const current = store.get(resource, key.namespace, key.name);
    if (!decision.thenRemove || current?.metadata.uid !== object.metadata.uid) return marked;
    return store.commit('DELETED', resource, cloneJson(current));
  };

  const registry: ApiRegistry = {
    create,
    find: store.get,
    list: store.list,
    update,
    revise,
    delete: remove,
    subscribe: store.subscribe,
    version: store.version,
    listAt: store.listAt,
    changesSince: store.changesSince,
    oldestVersion: store.oldestVersion,
    close() {
      namespaceLifecycle.stop();
      eventExpiry.stop();
      store.close();
    },
  };
  createSystemNamespaces(registry);
  const namespaceLifecycle = startNamespaceLifecycle(registry, log);
  const eventExpiry = startEventExpiry(registry, { now, log });
  return registry;
}
