import type { Answer, Call } from './call.ts';
import { methodNotAllowed } from './call.ts';
import type { JsonObject } from './json.ts';
import { resourceNames, resources } from './resources.ts';
import type { ResourceInfo } from './resources.ts';
import type { FieldType } from './schema.ts';
import { rootSchema, schemaOf } from './schema.ts';

/**
 * The OpenAPI documents of the served groups: field names and types from client-node's models, without descriptions.
 * kubectl reads them before `create` and `apply` (to see that the server validates) and for `explain`.
 */
const documents = new Map([
  ['api/v1', ''],
  ['apis/batch/v1', 'batch'],
]);

const componentName = (model: string) => `io.k8s.api.${model}`;

function toProperty(type: FieldType, reached: Set<string>): JsonObject {
  switch (type.is) {
    case 'object':
      reached.add(type.name);
      return { allOf: [{ $ref: `#/components/schemas/${componentName(type.name)}` }] };
    case 'list':
      return { type: 'array', items: toProperty(type.of, reached) };
    case 'map':
      return { type: 'object', additionalProperties: toProperty(type.of, reached) };
    case 'number':
      return type.format === 'double'
        ? { type: 'number', format: 'double' }
        : { type: 'integer', format: type.format };
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'anything':
      return { type: 'object' };
    case 'boolean':
      return { type: 'boolean' };
    default:
      return { type: 'string' };
  }
}

function toComponents(roots: Map<string, ResourceInfo>): JsonObject {
  const reached = new Set(roots.keys());
  const components: JsonObject = {};
  // A Set also visits what is added while it is walked.
  for (const model of reached) {
    const properties = Object.fromEntries(
      [...schemaOf(model)].map(([field, type]) => [field, toProperty(type, reached)]),
    );
    const info = roots.get(model);
    components[componentName(model)] = {
      type: 'object',
      properties,
      ...(info === undefined ? {} : { 'x-kubernetes-group-version-kind': [kindOf(info)] }),
    };
  }
  return components;
}

const kindOf = ({ group, version, kind }: ResourceInfo) => ({ group, version, kind });

const parameter = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });

function toDocument(path: string, group: string): JsonObject {
  const infos = resourceNames.map((name) => resources[name]).filter((info) => info.group === group);
  const paths: JsonObject = {};
  for (const info of infos) {
    const place = info.namespaced ? 'namespaces/{namespace}/' : '';
    paths[`/${path}/${place}${info.resource}/{name}`] = {
      patch: {
        'x-kubernetes-action': 'patch',
        'x-kubernetes-group-version-kind': kindOf(info),
        parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(parameter),
        responses: { 200: { description: 'OK' } },
      },
    };
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.2' },
    paths,
    components: { schemas: toComponents(new Map(infos.map((info) => [rootSchema(info.resource), info]))) },
  };
}

/** undefined when the path is none of OpenAPI's. */
export function findOpenApi(call: Call): Answer | undefined {
  const match = /^\/openapi\/v3(?:\/(.*))?$/.exec(call.path);
  if (match === null) return undefined;
  if (call.method !== 'GET') throw methodNotAllowed();
  const path = match[1] ?? '';
  if (path === '') {
    const paths = Object.fromEntries(
      [...documents.keys()].map((key) => [key, { serverRelativeURL: `/openapi/v3/${key}?hash=1` }]),
    );
    return { status: 200, body: { paths } };
  }
  const group = documents.get(path);
  return group === undefined ? undefined : { status: 200, body: toDocument(path, group) };
}
