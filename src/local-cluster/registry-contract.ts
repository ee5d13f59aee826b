import type { ResourceName, ResourceObjects } from './objects.ts';

/** One committed change. `object` is the new state (for DELETED the last one, with the deletion's resourceVersion). */
export type Change<R extends ResourceName> = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: ResourceObjects[R];
  previous?: ResourceObjects[R];
};

export type DeleteOptions = {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
};

export type Registry = {
  /** Names (generateName), defaults, validates, stores. Throws StatusError (403, 404, 409, 422). `input` is the wire form. */
  create<R extends ResourceName>(resource: R, namespace: string, input: unknown): ResourceObjects[R];
  find<R extends ResourceName>(resource: R, namespace: string, name: string): ResourceObjects[R] | undefined;
  /** In order of namespace/name. Without a namespace: all of them. */
  list<R extends ResourceName>(resource: R, namespace?: string): ResourceObjects[R][];
  /**
   * Read, change, write in one turn. `change` gets a deep copy and edits it in place (or returns false to leave it).
   * An edit that changes nothing keeps the resourceVersion and tells nobody; a changed spec raises the generation.
   * No validation: for controllers and the kubelet, which own what they write. When the result has a
   * deletionTimestamp, no finalizers and (for pods) deletionGracePeriodSeconds 0, it is removed: DELETED.
   * Returns undefined when there is no such object, or when `uid` is given and it is another one.
   */
  update<R extends ResourceName>(
    resource: R,
    key: { namespace: string; name: string; uid?: string },
    change: (draft: ResourceObjects[R]) => void | false,
  ): ResourceObjects[R] | undefined;
  /**
   * As DELETE does. Jobs: Background removes at once (the garbage collector takes the pods), Foreground and Orphan add
   * the finalizer and a deletionTimestamp. Pods: a bound, unfinished pod with a grace period gets a deletionTimestamp
   * and deletionGracePeriodSeconds (the kubelet stops it and then deletes with grace 0); an unbound or finished one, and
   * grace 0, goes at once if it has no finalizers. Throws StatusError 404, 409.
   */
  delete<R extends ResourceName>(
    resource: R,
    key: { namespace: string; name: string },
    options?: DeleteOptions,
  ): ResourceObjects[R];
  /**
   * Called synchronously after each commit, in order of resourceVersion. Returns the unsubscriber. What a listener throws
   * is logged, and keeps the change neither from its maker nor from the other listeners.
   */
  subscribe<R extends ResourceName>(resource: R, listener: (change: Change<R>) => void): () => void;
};

/** What is still known of the past: the last changes of each resource. */
export type History = {
  /** The newest resourceVersion of the whole cluster. */
  version: () => number;
  /** As `list` was at that version; undefined when the history does not reach back so far. */
  listAt: <R extends ResourceName>(
    resource: R,
    version: number,
    namespace?: string,
  ) => ResourceObjects[R][] | undefined;
  /** Oldest first; undefined when the history does not reach back so far. */
  changesSince: <R extends ResourceName>(resource: R, version: number) => Change<R>[] | undefined;
  /** The first version from which `changesSince` can tell what happened. */
  oldestVersion: (resource: ResourceName) => number;
};

/** What the HTTP API needs beyond what controllers do. */
export type ApiRegistry = Omit<Registry, 'create' | 'delete'> &
  History & {
    create<R extends ResourceName>(
      resource: R,
      namespace: string,
      input: unknown,
      options?: { dryRun?: boolean },
    ): ResourceObjects[R];
    delete<R extends ResourceName>(
      resource: R,
      key: { namespace: string; name: string },
      options?: DeleteOptions & { dryRun?: boolean },
    ): ResourceObjects[R];
    /**
     * A user's write: `edit` gets the object as it stands and returns it as wanted, still to be checked. What users may
     * not change is refused or kept. Throws StatusError 404, 409, 422, and what `edit` throws.
     */
    revise<R extends ResourceName>(
      resource: R,
      key: { namespace: string; name: string },
      revision: Revision<R>,
    ): ResourceObjects[R];
    close(): void;
  };

export type Revision<R extends ResourceName> = {
  edit: (current: ResourceObjects[R]) => unknown;
  subresource?: 'status';
  dryRun?: boolean;
};
