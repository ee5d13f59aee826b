/** From what a client sent to what the registry stores: decode, default, label, validate. */
import type { ResourceName, ResourceObjects, StoredMeta } from '../objects.ts';
import { isStored } from '../objects.ts';
import { decode, DecodeError } from './decode.ts';
import { copyTemplateLabels, defaultJob, defaultPod, labelJob } from './defaults.ts';
import { cloneJson, isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { qosClassOf } from './qos.ts';
import { apiVersionOf, forbidden, resources } from './resources.ts';
import { StatusError } from './status-error.ts';
import { validateCreate, validateUpdate } from './validation.ts';

export type CreateContext = {
  namespace: string;
  uid: string;
  creationTimestamp: string;
  /** Throws StatusError 403, 404. */
  checkNamespace: (name: string) => void;
  chooseName: (metadata: { name?: string; generateName?: string }) => string;
  dryRun: boolean;
};

/** Fields of the metadata that only the server writes. */
const serverFields = [
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
] as const;

const initialStatus: { [R in ResourceName]?: JsonObject } = {
  namespaces: { phase: 'Active' },
  jobs: {},
  pods: { phase: 'Pending' },
};

/** The label by which selectors can name a namespace is always there, and always true. */
function labelNamespace({ metadata }: ResourceObjects['namespaces']): void {
  metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
}

/** Fields that Go's encoder writes even when they are empty. */
function completeEvent(draft: ResourceObjects['events']): void {
  draft.involvedObject ??= {};
  draft.source ??= {};
  draft.firstTimestamp ??= null;
  draft.lastTimestamp ??= null;
  draft.eventTime ??= null;
  draft.reportingComponent ??= '';
  draft.reportingInstance ??= '';
}

const preparations: { [R in ResourceName]: (draft: ResourceObjects[R]) => void } = {
  namespaces(draft) {
    labelNamespace(draft);
    draft.spec = { finalizers: ['kubernetes'] };
  },
  jobs(draft) {
    draft.metadata.generation = 1;
    defaultJob(draft);
    labelJob(draft);
  },
  pods(draft) {
    draft.metadata.generation = 1;
    defaultPod(draft);
    draft.status.qosClass = qosClassOf(draft);
  },
  events: completeEvent,
};

/** Defaults are filled in again with every write; a Job's labels and selector are not made a second time. */
const updates: { [R in ResourceName]?: (draft: ResourceObjects[R]) => void } = {
  jobs(draft) {
    defaultJob(draft);
    copyTemplateLabels(draft);
  },
  pods: defaultPod,
  namespaces: labelNamespace,
  events: completeEvent,
};

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function compose<R extends ResourceName>(resource: R, object: JsonObject): ResourceObjects[R] {
  const { kind: _kind, apiVersion: _apiVersion, metadata, spec, status, ...rest } = object;
  const info = resources[resource];
  const composed: JsonObject = {
    kind: info.kind,
    apiVersion: apiVersionOf(info),
    metadata,
    ...(resource === 'jobs' || resource === 'pods' ? { spec: spec ?? {} } : {}),
    ...(status === undefined ? {} : { status }),
    ...rest,
  };
  if (!isStored(resource, composed)) throw new StatusError('BadRequest', `not a ${info.kind}`);
  return composed;
}

function decodeOrRefuse(resource: ResourceName, input: unknown): JsonObject {
  try {
    return decode(resource, input).object;
  } catch (error) {
    if (error instanceof DecodeError) throw new StatusError('BadRequest', error.message);
    throw error;
  }
}

/** The service account that every namespace has is the only one there is. */
function checkServiceAccount(spec: unknown, pod: { name: string; namespace: string }): void {
  const { serviceAccountName, serviceAccount } = isJsonObject(spec) ? spec : {};
  const account = text(serviceAccountName) ?? text(serviceAccount) ?? 'default';
  if (account === 'default') return;
  const why = `error looking up service account ${pod.namespace}/${account}: serviceaccount "${account}" not found`;
  throw forbidden(resources.pods, pod.name, why);
}

/** The object as it is stored first, all but its resourceVersion. Throws StatusError 400, 403, 404, 422. */
export function prepareForCreate<R extends ResourceName>(
  resource: R,
  input: unknown,
  context: CreateContext,
): ResourceObjects[R] {
  const info = resources[resource];
  const object = decodeOrRefuse(resource, input);
  const given = isJsonObject(object.metadata) ? object.metadata : {};
  const { resourceVersion = '' } = given;
  if (resourceVersion !== '' && !context.dryRun) {
    throw new StatusError('', 'resourceVersion should not be set on objects to be created');
  }
  const wanted = { name: text(given.name), generateName: text(given.generateName) };
  // Admission comes before a name is drawn: its refusals name what was given.
  const called = wanted.name ?? wanted.generateName ?? '';
  context.checkNamespace(called);
  if (resource === 'pods') checkServiceAccount(object.spec, { name: called, namespace: context.namespace });
  const { name: _name, generateName: _generateName, namespace: _namespace, ...others } = given;
  for (const field of [...serverFields, 'generation']) Reflect.deleteProperty(others, field);
  const metadata = {
    name: context.chooseName(wanted),
    ...(wanted.generateName === undefined ? {} : { generateName: wanted.generateName }),
    ...(info.namespaced ? { namespace: context.namespace } : {}),
    ...others,
    uid: context.uid,
    resourceVersion,
    creationTimestamp: context.creationTimestamp,
  };
  const draft = compose(resource, {
    ...object,
    metadata,
    status: initialStatus[resource] && { ...initialStatus[resource] },
  });
  preparations[resource](draft);
  validateCreate(resource, draft);
  updates[resource]?.(draft);
  if (resourceVersion === '') Reflect.deleteProperty(draft.metadata, 'resourceVersion');
  return draft;
}

/** Keeps what users may not write: status through the main resource, spec through /status, and the server's metadata. */
function keepServerFields(current: StoredMeta, wanted: JsonObject): JsonObject {
  const kept: JsonObject = { ...wanted };
  for (const field of [
    ...serverFields,
    'creationTimestamp',
    'generation',
    'resourceVersion',
    'namespace',
  ] as const) {
    if (current[field] === undefined) delete kept[field];
    else kept[field] = current[field];
  }
  return { ...kept, name: current.name, uid: kept.uid ?? current.uid };
}

/** A user's wish for an object as it would be stored. Throws StatusError 400, 409, 422. */
export function prepareForUpdate<R extends ResourceName>(
  resource: R,
  current: ResourceObjects[R],
  wanted: unknown,
  subresource: 'status' | undefined,
): ResourceObjects[R] {
  const object = decodeOrRefuse(resource, wanted);
  const metadata = keepServerFields(current.metadata, isJsonObject(object.metadata) ? object.metadata : {});
  const now: JsonObject = { ...cloneJson(current) };
  if (resource === 'namespaces') object.spec = now.spec;
  const draft =
    subresource === 'status'
      ? compose(resource, { ...now, metadata, status: object.status ?? {} })
      : compose(resource, {
          ...object,
          metadata,
          ...(now.status === undefined ? {} : { status: now.status }),
        });
  if (subresource === undefined) updates[resource]?.(draft);
  validateUpdate(resource, draft, current, subresource);
  return draft;
}
