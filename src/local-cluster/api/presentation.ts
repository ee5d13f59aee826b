import type { ResourceName, ResourceObjects } from '../objects.ts';
import type { Answer, Call } from './call.ts';
import { negotiate } from './negotiation.ts';
import type { Form } from './negotiation.ts';
import { apiVersionOf, resources } from './resources.ts';
import { parseIncludeObject, toPartial, toTable } from './table.ts';

const objectForms: readonly Form[] = ['table', 'partial'];
const listForms: readonly Form[] = ['table', 'partial', 'partial-list'];
const streams = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** A write asks this first: what cannot be shown must not be done. */
function checkForm(call: Call, form: Form): Form {
  if (form === 'table') parseIncludeObject(call.query);
  return form;
}

/** The form wanted for one object, or for a list or watch. Throws StatusError 400, 406. */
export const objectForm = (call: Call): Form => checkForm(call, negotiate(call.headers.accept, objectForms));
export const listForm = (call: Call): Form =>
  checkForm(call, negotiate(call.headers.accept, listForms, streams));

/** One object as the client wants to see it. Throws StatusError 400, 406. */
export function showOne<R extends ResourceName>(
  call: Call,
  resource: R,
  object: ResourceObjects[R],
  status = 200,
): Answer {
  const form = objectForm(call);
  if (form === 'partial') return { status, body: toPartial(object) };
  if (form !== 'table') return { status, body: object, form: form === 'yaml' ? 'yaml' : 'json' };
  const { resourceVersion } = object.metadata;
  const include = parseIncludeObject(call.query);
  return {
    status,
    body: toTable(resource, [object], { metadata: { resourceVersion }, include, columns: true }),
  };
}

/** A list as the client wants to see it; its items are without kind and apiVersion. Throws StatusError 400, 406. */
export function showMany<R extends ResourceName>(
  call: Call,
  resource: R,
  page: { items: ResourceObjects[R][]; metadata: object },
): Answer {
  const form = listForm(call);
  const { metadata } = page;
  if (form === 'table') {
    const include = parseIncludeObject(call.query);
    return { status: 200, body: toTable(resource, page.items, { metadata, include, columns: true }) };
  }
  if (form === 'partial' || form === 'partial-list') {
    const items = page.items.map((object) => toPartial(object));
    const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' };
    return { status: 200, body: { ...list, metadata, items } };
  }
  const info = resources[resource];
  const items = page.items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item);
  const body = { kind: `${info.kind}List`, apiVersion: apiVersionOf(info), metadata, items };
  return { status: 200, body, form: form === 'yaml' ? 'yaml' : 'json' };
}

/** How each object of a watch is shown. Throws StatusError 400, 406. */
export function toRenderer<R extends ResourceName>(
  call: Call,
  resource: R,
): (object: ResourceObjects[R]) => unknown {
  const form = listForm(call);
  if (form === 'partial' || form === 'partial-list') return toPartial;
  if (form !== 'table') return (object) => object;
  const include = parseIncludeObject(call.query);
  let columns = true;
  return (object) => {
    const { resourceVersion } = object.metadata;
    const table = toTable(resource, [object], { metadata: { resourceVersion }, include, columns });
    columns = false;
    return table;
  };
}
