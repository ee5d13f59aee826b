import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { ApiRegistry } from '../registry-contract.ts';
import type { Answer, Call } from './call.ts';
import { decode, DecodeError } from './decode.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { DeleteRequest } from './delete-options.ts';
import { invalid, invalidValue } from './field-errors.ts';
import { isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { listPage } from './list.ts';
import { checkPlace, readObject, toStrictFaults } from './object-body.ts';
import { parsePatch } from './patch.ts';
import { listForm, objectForm, showMany, showOne } from './presentation.ts';
import { parseListOptions, parseWriteOptions } from './query-options.ts';
import type { WriteOptions } from './query-options.ts';
import type { Target } from './resource-reads.ts';
import { conflict, detailsOf, resources } from './resources.ts';
import { parseSelector } from './selectors.ts';
import { warningsOf } from './warnings.ts';

const orphanWarning =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

const metadataOf = (object: unknown): JsonObject =>
  isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};

export async function create<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
): Promise<Answer> {
  const { call, resource, path } = target;
  objectForm(call);
  const options = parseWriteOptions(call.query, 'CreateOptions');
  const object = await readObject(call, resource, options);
  checkPlace(object, { namespace: path.namespace, name: undefined });
  const created = registry.create(resource, path.namespace ?? '', object, options);
  for (const warning of warningsOf(created)) call.warn(warning);
  return showOne(call, resource, created, 201);
}

type Edit<R extends ResourceName> = (current: ResourceObjects[R]) => unknown;

/** Writes what `edit` makes of the object, if that still stands as the client believes. Throws StatusError 400, 404, 409, 422. */
function revise<R extends ResourceName>(
  registry: ApiRegistry,
  { resource, path }: Target<R>,
  name: string,
  change: WriteOptions & { edit: Edit<R> },
): ResourceObjects[R] {
  const key = { namespace: path.namespace ?? '', name };
  return registry.revise(resource, key, {
    dryRun: change.dryRun,
    subresource: path.subresource === 'status' ? 'status' : undefined,
    edit(current) {
      const wanted = change.edit(current);
      checkPlace(wanted, { namespace: path.namespace, name });
      const { resourceVersion = '' } = metadataOf(wanted);
      if (resourceVersion !== '' && resourceVersion !== current.metadata.resourceVersion) {
        const why =
          'the object has been modified; please apply your changes to the latest version and try again';
        throw conflict(resources[resource], name, why);
      }
      return wanted;
    },
  });
}

export async function update<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
  name: string,
): Promise<Answer> {
  const { call, resource, path } = target;
  objectForm(call);
  const options = parseWriteOptions(call.query, 'UpdateOptions');
  const object = await readObject(call, resource, options);
  checkPlace(object, { namespace: path.namespace, name });
  const edit: Edit<R> = (current) => {
    const { uid } = metadataOf(object);
    if (typeof uid === 'string' && uid !== current.metadata.uid) {
      const key = `/registry/${resource}/${path.namespace ?? ''}/${name}`;
      const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
      throw conflict(resources[resource], name, why);
    }
    return object;
  };
  return showOne(call, resource, revise(registry, target, name, { ...options, edit }));
}

/** The patched object, of the right types; its unknown fields are refused, warned of or passed over, as asked. */
function decodePatched(
  call: Call,
  resource: ResourceName,
  wanted: unknown,
  options: WriteOptions,
): JsonObject {
  const refuse = (why: string) =>
    invalid({ group: '', kind: '', name: '' }, [invalidValue('patch', JSON.stringify(wanted), why)]);
  try {
    const { object, unknownFields } = decode(resource, wanted);
    const faults = toStrictFaults(unknownFields);
    if (options.fieldValidation === 'Strict' && faults.length > 0) {
      throw refuse(`strict decoding error: ${faults.join(', ')}`);
    }
    if (options.fieldValidation === 'Warn') for (const fault of faults) call.warn(fault);
    return object;
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

export async function patch<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
  name: string,
): Promise<Answer> {
  const { call, resource } = target;
  objectForm(call);
  const parsed = parsePatch(await call.body(), call.headers['content-type']);
  const options = parseWriteOptions(call.query, 'PatchOptions');
  const edit: Edit<R> = (current) => decodePatched(call, resource, parsed.apply(current), options);
  return showOne(call, resource, revise(registry, target, name, { ...options, edit }));
}

function warnOfOrphans(call: Call, resource: ResourceName, options: DeleteRequest): void {
  if (resource === 'jobs' && options.propagationPolicy === undefined) call.warn(orphanWarning);
}

export async function deleteOne<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
  name: string,
): Promise<Answer> {
  const { call, resource, path } = target;
  objectForm(call);
  const options = await readDeleteOptions(call);
  warnOfOrphans(call, resource, options);
  const deleted = registry.delete(resource, { namespace: path.namespace ?? '', name }, options);
  // What is held by finalizers or a grace period is shown, and pods always are; else a word says that it is gone.
  if (deleted.metadata.deletionTimestamp !== undefined || resource === 'pods')
    return showOne(call, resource, deleted);
  const details = { ...detailsOf(resources[resource], name), uid: deleted.metadata.uid };
  return {
    status: 200,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
  };
}

/** Answers with the list of what was deleted. */
export async function deleteMany<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
): Promise<Answer> {
  const { call, resource, path } = target;
  listForm(call);
  const list = parseListOptions(call.query, false);
  const selector = parseSelector(resource, list);
  const options = await readDeleteOptions(call);
  warnOfOrphans(call, resource, options);
  const at = { resource, namespace: path.namespace, selector, signal: call.signal };
  const page = await listPage(registry, at, list);
  for (const { metadata } of page.items) {
    const key = { namespace: metadata.namespace ?? '', name: metadata.name };
    // A listener of an earlier deletion may have taken this one along.
    if (registry.find(resource, key.namespace, key.name) !== undefined)
      registry.delete(resource, key, options);
  }
  return showMany(call, resource, page);
}
