import type { Logger } from 'pino';
import { dropUndefined, freeze } from './api/json.ts';
import { resourceNames } from './api/resources.ts';
import { StatusError } from './api/status-error.ts';
import { createChangeHistory } from './change-history.ts';
import type { HistoryBounds } from './change-history.ts';
import { LocalClusterFault } from './faults.ts';
import type { ResourceName, ResourceObjects } from './objects.ts';
import { isStored } from './objects.ts';
import type { Change, History } from './registry-contract.ts';
import { openStorage } from './storage.ts';
import type { Storage, StoredRow } from './storage.ts';

type Shelf<R extends ResourceName> = {
  byNamespace: Map<string, Map<string, ResourceObjects[R]>>;
  listeners: Set<(change: Change<R>) => void>;
};

export type ObjectStore = History & {
  get: <R extends ResourceName>(
    resource: R,
    namespace: string,
    name: string,
  ) => ResourceObjects[R] | undefined;
  list: <R extends ResourceName>(resource: R, namespace?: string) => ResourceObjects[R][];
  /**
   * Stamps the next version on the draft, stores it, and tells the listeners. Throws StatusError 500 when its JSON has
   * more bytes than `mostBytes`.
   */
  commit: <R extends ResourceName>(
    type: Change<R>['type'],
    resource: R,
    draft: ResourceObjects[R],
    mostBytes?: number,
  ) => ResourceObjects[R];
  subscribe: <R extends ResourceName>(resource: R, listener: (change: Change<R>) => void) => () => void;
  close: () => void;
};

const keyOf = (object: { metadata: { namespace?: string; name: string } }) =>
  `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

const byKey = <T extends { metadata: { namespace?: string; name: string } }>(objects: T[]): T[] =>
  objects
    .map((object) => ({ key: keyOf(object), object }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ object }) => object);

export type ObjectStoreOptions = HistoryBounds & { dataDir: string; log: Pick<Logger, 'error'> };

/** All objects, in memory and written through to disk, under one growing version. Throws LocalClusterFault. */
export function openObjectStore({ dataDir, ...options }: ObjectStoreOptions): ObjectStore {
  const storage = openStorage(dataDir);
  try {
    return createObjectStore(storage, options);
  } catch (error) {
    storage.close();
    throw error;
  }
}

/** An object out of its row, if it is one that is known here. */
function parseStored<R extends ResourceName>(
  resource: R,
  { namespace, name, body }: StoredRow,
): ResourceObjects[R] {
  let object: unknown;
  try {
    object = JSON.parse(body);
  } catch {
    object = undefined;
  }
  if (isStored(resource, object)) return freeze(object);
  throw new LocalClusterFault(
    `the data of the local cluster are damaged at ${resource} ${namespace}/${name}`,
  );
}

const emptyShelf = <R extends ResourceName>(): Shelf<R> => ({
  byNamespace: new Map(),
  listeners: new Set(),
});

function createObjectStore(
  storage: Storage,
  { log, ...bounds }: Omit<ObjectStoreOptions, 'dataDir'>,
): ObjectStore {
  let version = storage.lastVersion();

  const shelves: { [R in ResourceName]: Shelf<R> } = {
    namespaces: emptyShelf(),
    jobs: emptyShelf(),
    pods: emptyShelf(),
    events: emptyShelf(),
  };

  function place<R extends ResourceName>(resource: R, object: ResourceObjects[R]): void {
    const shelf = shelves[resource].byNamespace;
    const namespace = object.metadata.namespace ?? '';
    const shelved = shelf.get(namespace);
    if (shelved === undefined) shelf.set(namespace, new Map([[object.metadata.name, object]]));
    else shelved.set(object.metadata.name, object);
  }

  function displace<R extends ResourceName>(resource: R, object: ResourceObjects[R]): void {
    const shelf = shelves[resource].byNamespace;
    const namespace = object.metadata.namespace ?? '';
    const shelved = shelf.get(namespace);
    shelved?.delete(object.metadata.name);
    if (shelved?.size === 0) shelf.delete(namespace);
  }

  for (const row of storage.rows()) {
    const resource = resourceNames.find((name) => name === row.resource);
    if (resource === undefined) continue;
    const object = parseStored(resource, row);
    place(resource, object);
    version = Math.max(version, Number(object.metadata.resourceVersion));
  }
  const history = createChangeHistory(version, bounds);

  // A listener may itself commit. Its change is told after the one under way has been told to all, so that every
  // listener sees the same order.
  const untold: (() => void)[] = [];
  let telling = false;
  function tell<R extends ResourceName>(resource: R, change: Change<R>): void {
    untold.push(() => {
      // A copy: a listener that unsubscribes must not make another be passed over.
      for (const listener of Array.from(shelves[resource].listeners)) {
        try {
          listener(change);
        } catch (error) {
          // The change is stored: whoever made it must not read that it failed, and all others must hear of it.
          log.error({ err: error, resource, name: keyOf(change.object) }, 'a listener failed at a change');
        }
      }
    });
    if (telling) return;
    telling = true;
    for (let next = untold.shift(); next !== undefined; next = untold.shift()) next();
    telling = false;
  }

  function list<R extends ResourceName>(resource: R, namespace?: string): ResourceObjects[R][] {
    const { byNamespace } = shelves[resource];
    if (namespace !== undefined) return byKey([...(byNamespace.get(namespace)?.values() ?? [])]);
    return byKey([...byNamespace.values()].flatMap((shelved) => [...shelved.values()]));
  }

  return {
    version: () => version,
    get: (resource, namespace, name) => shelves[resource].byNamespace.get(namespace)?.get(name),
    list,
    changesSince: history.since,
    oldestVersion: history.oldest,
    listAt(resource, at, namespace) {
      const since = history.since(resource, at);
      if (since === undefined) return undefined;
      const then = new Map(list(resource, namespace).map((object) => [keyOf(object), object]));
      for (const { object, previous } of since.toReversed()) {
        if (namespace !== undefined && (object.metadata.namespace ?? '') !== namespace) continue;
        if (previous === undefined) then.delete(keyOf(object));
        else then.set(keyOf(object), previous);
      }
      return byKey([...then.values()]);
    },
    commit(type, resource, draft, mostBytes = Infinity) {
      const namespace = draft.metadata.namespace ?? '';
      const previous = shelves[resource].byNamespace.get(namespace)?.get(draft.metadata.name);
      draft.metadata.resourceVersion = String(version + 1);
      dropUndefined(draft);
      const object = freeze(draft);
      const key = { resource, namespace, name: object.metadata.name };
      const body = JSON.stringify(object);
      if (Buffer.byteLength(body) > mostBytes) throw new StatusError('', 'etcdserver: request is too large');
      if (type === 'DELETED') storage.remove(key, version + 1);
      else storage.put({ ...key, body });
      version += 1;
      if (type === 'DELETED') displace(resource, object);
      else place(resource, object);
      const change = { type, object, ...(previous === undefined ? {} : { previous }) };
      history.remember(resource, change, body.length);
      tell(resource, change);
      return object;
    },
    subscribe(resource, listener) {
      shelves[resource].listeners.add(listener);
      return () => shelves[resource].listeners.delete(listener);
    },
    close: () => storage.close(),
  };
}
