import type { ResourceName } from '../objects.ts';
import type { ApiRegistry } from '../registry-contract.ts';
import type { Answer, Call, Stream } from './call.ts';
import { listPage } from './list.ts';
import type { ResourcePath } from './path.ts';
import { listForm, showMany, showOne, toRenderer } from './presentation.ts';
import { parseListOptions } from './query-options.ts';
import { notFound, resources } from './resources.ts';
import { parseSelector } from './selectors.ts';
import { openWatch } from './watch.ts';

export type Target<R extends ResourceName> = { call: Call; resource: R; path: ResourcePath };

/** Throws StatusError 404, 406. */
export function getOne<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
  name: string,
): Answer {
  const { call, resource, path } = target;
  const object = registry.find(resource, path.namespace ?? '', name);
  if (object === undefined) throw notFound(resources[resource], name);
  return showOne(call, resource, object);
}

/** GET of a collection, or of anything under the old `/watch/` paths. Throws StatusError 400, 406, 410, 422, 504. */
export async function listOrWatch<R extends ResourceName>(
  registry: ApiRegistry,
  target: Target<R>,
): Promise<Answer | Stream> {
  const { call, resource, path } = target;
  listForm(call);
  const options = parseListOptions(call.query, path.watch);
  const named = path.name === undefined ? '' : `metadata.name=${path.name}`;
  const selector = parseSelector(resource, { ...options, fieldSelector: options.fieldSelector || named });
  const { namespace } = path;
  if (options.watch) {
    const render = toRenderer(call, resource);
    return openWatch(registry, call, { resource, namespace, selector, render }, options);
  }
  const page = await listPage(registry, { resource, namespace, selector, signal: call.signal }, options);
  return showMany(call, resource, page);
}
