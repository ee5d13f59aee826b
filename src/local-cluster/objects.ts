import type {
  CoreV1Event,
  V1Job,
  V1Namespace,
  V1ObjectMeta,
  V1Pod,
  V1JobSpec,
  V1JobStatus,
  V1PodSpec,
  V1PodStatus,
} from '@kubernetes/client-node';

/** A client-node model as it stands in JSON: dates are RFC 3339 strings, and nothing is a class. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** Metadata of an object that the registry holds: these five are always there. */
export type StoredMeta = Omit<
  Wire<V1ObjectMeta>,
  'name' | 'uid' | 'resourceVersion' | 'creationTimestamp' | 'generation'
> & {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
};

type Stored<T> = Omit<Wire<T>, 'metadata'> & { apiVersion: string; kind: string; metadata: StoredMeta };

export type Job = Stored<V1Job> & { spec: Wire<V1JobSpec>; status: Wire<V1JobStatus> };
export type Pod = Stored<V1Pod> & { spec: Wire<V1PodSpec>; status: Wire<V1PodStatus> };
export type Namespace = Stored<V1Namespace>;
/** Times that an Event does not have are null in it, not absent. */
export type Event = Omit<Stored<CoreV1Event>, EventTime> & Partial<Record<EventTime, string | null>>;
type EventTime = 'firstTimestamp' | 'lastTimestamp' | 'eventTime';

/** The resources that the registry holds, by their plural name in the API's paths. */
export type ResourceObjects = { namespaces: Namespace; jobs: Job; pods: Pod; events: Event };
export type ResourceName = keyof ResourceObjects;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const kinds: Record<ResourceName, string> = {
  namespaces: 'Namespace',
  jobs: 'Job',
  pods: 'Pod',
  events: 'Event',
};

/** Tells whether a value has the parts that every holder of a stored object counts on; field types are decoding's matter. */
export function isStored<R extends ResourceName>(resource: R, value: unknown): value is ResourceObjects[R] {
  if (!isRecord(value) || value.kind !== kinds[resource] || !isRecord(value.metadata)) return false;
  const { name, uid, resourceVersion, creationTimestamp } = value.metadata;
  const named = [name, uid, resourceVersion, creationTimestamp].every((field) => typeof field === 'string');
  const hasSpec = isRecord(value.spec) && isRecord(value.status);
  return named && (hasSpec || (resource !== 'jobs' && resource !== 'pods'));
}
