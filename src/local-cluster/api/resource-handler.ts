import type { ApiRegistry } from '../registry-contract.ts';
import type { Answer, Call, Stream } from './call.ts';
import { methodNotAllowed, noSuchResource } from './call.ts';
import type { ResourcePath } from './path.ts';
import { getOne, listOrWatch } from './resource-reads.ts';
import { create, deleteMany, deleteOne, patch, update } from './resource-writes.ts';
import { resources } from './resources.ts';

/** Everything that is done to namespaces, jobs, pods and events, by path and method. */
export function createResourceHandler(
  registry: ApiRegistry,
): (call: Call, path: ResourcePath) => Promise<Answer | Stream> {
  async function handleNamed(call: Call, path: ResourcePath, name: string): Promise<Answer | Stream> {
    const target = { call, resource: path.resource, path };
    switch (call.method) {
      case 'GET':
        return path.watch ? listOrWatch(registry, target) : getOne(registry, target, name);
      case 'PUT':
        return update(registry, target, name);
      case 'PATCH':
        return patch(registry, target, name);
      case 'DELETE':
        if (path.subresource === undefined) return deleteOne(registry, target, name);
    }
    throw methodNotAllowed();
  }

  async function handleCollection(call: Call, path: ResourcePath): Promise<Answer | Stream> {
    const { resource, namespace } = path;
    const target = { call, resource, path };
    const { namespaced } = resources[resource];
    if (call.method === 'GET') return listOrWatch(registry, target);
    if (call.method === 'POST' && namespaced === (namespace !== undefined)) return create(registry, target);
    if (call.method === 'DELETE' && namespace !== undefined) return deleteMany(registry, target);
    throw methodNotAllowed();
  }

  return async (call, path) => {
    const { subresource, name } = path;
    if (subresource !== undefined && !resources[path.resource].subresources.includes(subresource)) {
      throw noSuchResource();
    }
    return name === undefined ? handleCollection(call, path) : handleNamed(call, path, name);
  };
}
