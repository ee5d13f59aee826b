import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { ApiRegistry } from '../registry.ts';
import type { Answer, Call, Stream } from './call.ts';
import { methodNotAllowed, noSuchResource } from './call.ts';
import { decode, DecodeError } from './decode.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { DeleteRequest } from './delete-options.ts';
import { invalid, invalidValue } from './field-errors.ts';
import { isJsonObject } from './json.ts';
import { listPage } from './list.ts';
import { negotiate } from './negotiation.ts';
import type { Form } from './negotiation.ts';
import { checkPlace, readObject } from './object-body.ts';
import { parsePatch } from './patch.ts';
import type { ResourcePath } from './path.ts';
import { parseListOptions, parseWriteOptions } from './query-options.ts';
import type { WriteOptions } from './query-options.ts';
import { apiVersionOf, conflict, detailsOf, notFound, resources } from './resources.ts';
import { parseSelector } from './selectors.ts';
import { parseIncludeObject, toPartial, toTable } from './table.ts';
import { warningsOf } from './warnings.ts';
import { openWatch } from './watch.ts';

type Target<R extends ResourceName> = { call: Call; resource: R; path: ResourcePath };

const objectForms: readonly Form[] = ['table', 'partial'];
const listForms: readonly Form[] = ['table', 'partial', 'partial-list'];
const streams = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

const orphanWarning =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

/** Everything that is done to namespaces, jobs, pods and events by path and verb. */
export function createResourceHandler(registry: ApiRegistry): (call: Call, path: ResourcePath) => Promise<Answer | Stream> {
  function showOne<R extends ResourceName>({ call, resource }: Target<R>, object: ResourceObjects[R], status = 200): Answer {
    const form = negotiate(call.headers.accept, objectForms);
    if (form === 'partial') return { status, body: toPartial(object) };
    if (form !== 'table') return { status, body: object, form: form === 'yaml' ? 'yaml' : 'json' };
    const { resourceVersion } = object.metadata;
    const include = parseIncludeObject(call.query);
    return { status, body: toTable(resource, [object], { metadata: { resourceVersion }, include, columns: true }) };
  }

  /** Lists hold their items without kind and apiVersion. */
  function showMany<R extends ResourceName>({ call, resource }: Target<R>, objects: ResourceObjects[R][], metadata: object): Answer {
    const form = negotiate(call.headers.accept, listForms, streams);
    const info = resources[resource];
    if (form === 'table') {
      const include = parseIncludeObject(call.query);
      return { status: 200, body: toTable(resource, objects, { metadata, include, columns: true }) };
    }
    if (form === 'partial' || form === 'partial-list') {
      const items = objects.map((object) => toPartial(object));
      return { status: 200, body: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items } };
    }
    const items = objects.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item);
    const body = { kind: `${info.kind}List`, apiVersion: apiVersionOf(info), metadata, items };
    return { status: 200, body, form: form === 'yaml' ? 'yaml' : 'json' };
  }

  function watch<R extends ResourceName>(target: Target<R>): Stream {
    const { call, resource, path } = target;
    const form = negotiate(call.headers.accept, listForms, streams);
    const fieldSelector = path.name === undefined ? '' : `metadata.name=${path.name}`;
    const options = parseListOptions(call.query, path.watch);
    const selector = parseSelector(resource, { ...options, fieldSelector: options.fieldSelector || fieldSelector });
    const include = parseIncludeObject(call.query);
    let columns = true;
    const render = (object: ResourceObjects[R]): unknown => {
      if (form === 'partial' || form === 'partial-list') return toPartial(object);
      if (form !== 'table') return object;
      const { resourceVersion } = object.metadata;
      const table = toTable(resource, [object], { metadata: { resourceVersion }, include, columns });
      columns = false;
      return table;
    };
    return openWatch(registry, call, { resource, namespace: path.namespace, selector, render }, options);
  }

  async function listOrWatch<R extends ResourceName>(target: Target<R>): Promise<Answer | Stream> {
    const { call, resource, path } = target;
    negotiate(call.headers.accept, listForms, streams);
    const options = parseListOptions(call.query, path.watch);
    if (options.watch) return watch(target);
    const selector = parseSelector(resource, options);
    const at = { resource, namespace: path.namespace, selector, signal: call.signal };
    const { items, metadata } = await listPage(registry, at, options);
    return showMany(target, items, metadata);
  }

  function getOne<R extends ResourceName>(target: Target<R>, name: string): Answer {
    const { resource, path } = target;
    const object = registry.find(resource, path.namespace ?? '', name);
    if (object === undefined) throw notFound(resources[resource], name);
    return showOne(target, object);
  }

  async function create<R extends ResourceName>(target: Target<R>): Promise<Answer> {
    const { call, resource, path } = target;
    negotiate(call.headers.accept, objectForms);
    const options = parseWriteOptions(call.query, 'CreateOptions');
    const object = await readObject(call, resource, options);
    checkPlace(object, { namespace: path.namespace, name: undefined });
    const created = registry.create(resource, path.namespace ?? '', object, options);
    for (const warning of warningsOf(created)) call.warn(warning);
    return showOne(target, created, 201);
  }

  function revise<R extends ResourceName>(
    { resource, path }: Target<R>,
    name: string,
    options: WriteOptions,
    edit: (current: ResourceObjects[R]) => unknown,
  ): ResourceObjects[R] {
    const key = { namespace: path.namespace ?? '', name };
    return registry.revise(resource, key, {
      dryRun: options.dryRun,
      subresource: path.subresource === 'status' ? 'status' : undefined,
      edit(current) {
        const wanted = edit(current);
        checkPlace(wanted, { namespace: path.namespace, name });
        const metadata = isJsonObject(wanted) && isJsonObject(wanted.metadata) ? wanted.metadata : {};
        const { resourceVersion = '' } = metadata;
        if (resourceVersion !== '' && resourceVersion !== current.metadata.resourceVersion) {
          const why = 'the object has been modified; please apply your changes to the latest version and try again';
          throw conflict(resources[resource], name, why);
        }
        return wanted;
      },
    });
  }

  async function update<R extends ResourceName>(target: Target<R>, name: string): Promise<Answer> {
    const { call, resource, path } = target;
    negotiate(call.headers.accept, objectForms);
    const options = parseWriteOptions(call.query, 'UpdateOptions');
    const object = await readObject(call, resource, options);
    checkPlace(object, { namespace: path.namespace, name });
    const updated = revise(target, name, options, (current) => {
      const uid = isJsonObject(object.metadata) ? object.metadata.uid : undefined;
      if (uid !== undefined && uid !== current.metadata.uid) {
        const key = `/registry/${resource}/${path.namespace ?? ''}/${name}`;
        const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${current.metadata.uid}`;
        throw conflict(resources[resource], name, why);
      }
      return object;
    });
    return showOne(target, updated);
  }

  async function patch<R extends ResourceName>(target: Target<R>, name: string): Promise<Answer> {
    const { call, resource } = target;
    negotiate(call.headers.accept, objectForms);
    const body = await call.body();
    const parsed = parsePatch(body, call.headers['content-type']);
    const options = parseWriteOptions(call.query, 'PatchOptions');
    const patched = revise(target, name, options, (current) => {
      const wanted = parsed.apply(current);
      const refuse = (why: string) =>
        invalid({ group: '', kind: '', name: '' }, [invalidValue('patch', JSON.stringify(wanted), why)]);
      try {
        const { object, unknownFields } = decode(resource, wanted);
        const faults = unknownFields.map((field) => `unknown field "${field}"`);
        if (options.fieldValidation === 'Warn') for (const fault of faults) call.warn(fault);
        if (options.fieldValidation === 'Strict' && faults.length > 0) {
          throw refuse(`strict decoding error: ${faults.join(', ')}`);
        }
        return object;
      } catch (error) {
        if (error instanceof DecodeError) throw refuse(error.message);
        throw error;
      }
    });
    return showOne(target, patched);
  }

  function warnOfOrphans({ call, resource }: { call: Call; resource: ResourceName }, options: DeleteRequest): void {
    if (resource === 'jobs' && options.propagationPolicy === undefined) call.warn(orphanWarning);
  }

  async function deleteOne<R extends ResourceName>(target: Target<R>, name: string): Promise<Answer> {
    const { call, resource, path } = target;
    negotiate(call.headers.accept, objectForms);
    const options = await readDeleteOptions(call);
    warnOfOrphans(target, options);
    const info = resources[resource];
    const deleted = registry.delete(resource, { namespace: path.namespace ?? '', name }, options);
    // What is marked, and held by finalizers or a grace period, is shown; what is gone is told in a word. Pods are shown always.
    if (deleted.metadata.deletionTimestamp !== undefined || resource === 'pods') return showOne(target, deleted);
    const details = { ...detailsOf(info, name), uid: deleted.metadata.uid };
    return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
  }

  async function deleteMany<R extends ResourceName>(target: Target<R>): Promise<Answer> {
    const { call, resource, path } = target;
    negotiate(call.headers.accept, listForms);
    const list = parseListOptions(call.query, false);
    const selector = parseSelector(resource, list);
    const options = await readDeleteOptions(call);
    warnOfOrphans(target, options);
    const at = { resource, namespace: path.namespace, selector, signal: call.signal };
    const { items, metadata } = await listPage(registry, at, list);
    for (const { metadata: found } of items) {
      const key = { namespace: found.namespace ?? '', name: found.name };
      // A listener of an earlier deletion may have taken this one along.
      if (registry.find(resource, key.namespace, key.name) !== undefined) registry.delete(resource, key, options);
    }
    return showMany(target, items, metadata);
  }

  function dispatchNamed<R extends ResourceName>(target: Target<R>, name: string): Promise<Answer | Stream> | Answer | Stream {
    const { call, path } = target;
    if (path.watch && call.method === 'GET') return watch(target);
    if (call.method === 'GET') return getOne(target, name);
    if (call.method === 'PUT') return update(target, name);
    if (call.method === 'PATCH') return patch(target, name);
    if (call.method === 'DELETE' && path.subresource === undefined) return deleteOne(target, name);
    throw methodNotAllowed();
  }

  return async (call, path) => {
    const { resource, name, namespace, subresource } = path;
    const info = resources[resource];
    const target = { call, resource, path };
    if (subresource !== undefined && !info.subresources.includes(subresource)) throw noSuchResource();
    if (name !== undefined) return await dispatchNamed(target, name);
    if (call.method === 'GET') return await listOrWatch(target);
    const isInNamespace = info.namespaced && namespace !== undefined;
    if (call.method === 'POST' && (isInNamespace || !info.namespaced)) return await create(target);
    if (call.method === 'DELETE' && isInNamespace) return await deleteMany(target);
    throw methodNotAllowed();
  };
}
