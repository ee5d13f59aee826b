import {
  AuthorizationV1Api,
  BatchApi,
  BatchV1Api,
  CoreApi,
  CoreV1Api,
  EventsV1Api,
  ApisApi,
  VersionApi,
  setHeaderOptions,
  type ApiConstructor,
  type ApiType,
  type HttpInfo,
  type V1ConfigMap,
  type V1DeleteOptions,
  type V1Eviction,
  type V1Job,
  type V1Namespace,
  type V1SelfSubjectAccessReview,
  type V1SelfSubjectRulesReview,
} from '@kubernetes/client-node';
import { z } from 'zod';
import type { ApiRequest } from './api-client.ts';
import { list, log, none, patch, read, remove, removeAll, write } from './call-parameters.ts';
import { readTarget } from './voice.ts';

/** As KubeConfig.makeApiClient: one of the library's APIs, bound to a server. */
export type MakeApi = <T extends ApiType>(api: ApiConstructor<T>) => T;
export type TypedCall = (make: MakeApi) => Promise<HttpInfo<unknown>>;

// Bodies go to the library as they are, whatever the types promise: half of the recorded ones are faulty on purpose.
const job = z.custom<V1Job>((body) => body !== undefined);
const namespaceBody = z.custom<V1Namespace>((body) => body !== undefined);
const configMap = z.custom<V1ConfigMap>((body) => body !== undefined);
const eviction = z.custom<V1Eviction>((body) => body !== undefined);
const accessReview = z.custom<V1SelfSubjectAccessReview>((body) => body !== undefined);
const rulesReview = z.custom<V1SelfSubjectRulesReview>((body) => body !== undefined);
const deleteOptions = z.custom<V1DeleteOptions>().optional();
const anything = z.unknown();
const nothing = z.undefined();

type Said<Q, B> = { namespace: string; name: string; query: Q; body: B; patchType: string };
type Row = {
  method: string;
  path: string;
  toCall: (
    request: ApiRequest,
    place: { namespace: string; name: string },
    query: object,
  ) => TypedCall | undefined;
};

function row<Q, B>(
  [method, path]: [method: string, path: string],
  shapes: { query: z.ZodType<Q>; body: z.ZodType<B> },
  call: (make: MakeApi, said: Said<Q, B>) => Promise<HttpInfo<unknown>>,
): Row {
  return {
    method,
    path,
    toCall: (request, place, plain) => {
      const query = shapes.query.safeParse(plain);
      const body = shapes.body.safeParse(request.body);
      const patchType = request.headers?.['content-type'] ?? '';
      if (!query.success || !body.success) return undefined;
      return (make) => call(make, { ...place, query: query.data, body: body.data, patchType });
    },
  };
}

const contentType = (type: string) => setHeaderOptions('Content-Type', type);

const jobs = '/apis/batch/v1/namespaces/:namespace/jobs';
const pods = '/api/v1/namespaces/:namespace/pods';

const rows: Row[] = [
  row(['POST', jobs], { query: write, body: job }, (make, { namespace, query, body }) =>
    make(BatchV1Api).createNamespacedJobWithHttpInfo({ namespace, body, ...query }),
  ),
  row(['GET', jobs], { query: list, body: nothing }, (make, { namespace, query }) =>
    make(BatchV1Api).listNamespacedJobWithHttpInfo({ namespace, ...query }),
  ),
  row(['DELETE', jobs], { query: removeAll, body: deleteOptions }, (make, { namespace, query, body }) =>
    make(BatchV1Api).deleteCollectionNamespacedJobWithHttpInfo({ namespace, body, ...query }),
  ),
  row(['GET', `${jobs}/:name`], { query: read, body: nothing }, (make, { namespace, name, query }) =>
    make(BatchV1Api).readNamespacedJobWithHttpInfo({ namespace, name, ...query }),
  ),
  row(['PUT', `${jobs}/:name`], { query: write, body: job }, (make, { namespace, name, query, body }) =>
    make(BatchV1Api).replaceNamespacedJobWithHttpInfo({ namespace, name, body, ...query }),
  ),
  row(['PATCH', `${jobs}/:name`], { query: patch, body: anything }, (make, said) => {
    const { namespace, name, query, body, patchType } = said;
    const param = { namespace, name, body, ...query };
    return make(BatchV1Api).patchNamespacedJobWithHttpInfo(param, contentType(patchType));
  }),
  row(['DELETE', `${jobs}/:name`], { query: remove, body: deleteOptions }, (make, said) => {
    const { namespace, name, query, body } = said;
    return make(BatchV1Api).deleteNamespacedJobWithHttpInfo({ namespace, name, body, ...query });
  }),
  row(['GET', `${jobs}/:name/status`], { query: read, body: nothing }, (make, { namespace, name, query }) =>
    make(BatchV1Api).readNamespacedJobStatusWithHttpInfo({ namespace, name, ...query }),
  ),
  row(['PATCH', `${jobs}/:name/status`], { query: patch, body: anything }, (make, said) => {
    const { namespace, name, query, body, patchType } = said;
    const param = { namespace, name, body, ...query };
    return make(BatchV1Api).patchNamespacedJobStatusWithHttpInfo(param, contentType(patchType));
  }),
  row(['GET', '/apis/batch/v1/jobs'], { query: list, body: nothing }, (make, { query }) =>
    make(BatchV1Api).listJobForAllNamespacesWithHttpInfo(query),
  ),
  row(['GET', pods], { query: list, body: nothing }, (make, { namespace, query }) =>
    make(CoreV1Api).listNamespacedPodWithHttpInfo({ namespace, ...query }),
  ),
  row(['GET', `${pods}/:name`], { query: read, body: nothing }, (make, { namespace, name, query }) =>
    make(CoreV1Api).readNamespacedPodWithHttpInfo({ namespace, name, ...query }),
  ),
  row(['DELETE', `${pods}/:name`], { query: remove, body: deleteOptions }, (make, said) => {
    const { namespace, name, query, body } = said;
    return make(CoreV1Api).deleteNamespacedPodWithHttpInfo({ namespace, name, body, ...query });
  }),
  row(['GET', `${pods}/:name/log`], { query: log, body: nothing }, (make, { namespace, name, query }) =>
    make(CoreV1Api).readNamespacedPodLogWithHttpInfo({ namespace, name, ...query }),
  ),
  row(['POST', `${pods}/:name/eviction`], { query: write, body: eviction }, (make, said) => {
    const { namespace, name, query, body } = said;
    return make(CoreV1Api).createNamespacedPodEvictionWithHttpInfo({ namespace, name, body, ...query });
  }),
  row(
    ['POST', '/api/v1/namespaces/:namespace/configmaps'],
    { query: write, body: configMap },
    (make, said) => {
      const { namespace, query, body } = said;
      return make(CoreV1Api).createNamespacedConfigMapWithHttpInfo({ namespace, body, ...query });
    },
  ),
  row(
    ['GET', '/apis/events.k8s.io/v1/namespaces/:namespace/events'],
    { query: list, body: nothing },
    (make, { namespace, query }) =>
      make(EventsV1Api).listNamespacedEventWithHttpInfo({ namespace, ...query }),
  ),
  row(
    ['GET', '/api/v1/namespaces/:namespace/events'],
    { query: list, body: nothing },
    (make, { namespace, query }) => make(CoreV1Api).listNamespacedEventWithHttpInfo({ namespace, ...query }),
  ),
  row(['POST', '/api/v1/namespaces'], { query: write, body: namespaceBody }, (make, { query, body }) =>
    make(CoreV1Api).createNamespaceWithHttpInfo({ body, ...query }),
  ),
  row(['DELETE', '/api/v1/namespaces/:name'], { query: remove, body: deleteOptions }, (make, said) =>
    make(CoreV1Api).deleteNamespaceWithHttpInfo({ name: said.name, body: said.body, ...said.query }),
  ),
  row(
    ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    { query: write, body: accessReview },
    (make, { query, body }) =>
      make(AuthorizationV1Api).createSelfSubjectAccessReviewWithHttpInfo({ body, ...query }),
  ),
  row(
    ['POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'],
    { query: write, body: rulesReview },
    (make, { query, body }) =>
      make(AuthorizationV1Api).createSelfSubjectRulesReviewWithHttpInfo({ body, ...query }),
  ),
  row(['GET', '/version'], { query: none, body: nothing }, (make) => make(VersionApi).getCodeWithHttpInfo()),
  row(['GET', '/api'], { query: none, body: nothing }, (make) => make(CoreApi).getAPIVersionsWithHttpInfo()),
  row(['GET', '/api/v1'], { query: none, body: nothing }, (make) =>
    make(CoreV1Api).getAPIResourcesWithHttpInfo(),
  ),
  row(['GET', '/apis'], { query: none, body: nothing }, (make) => make(ApisApi).getAPIVersionsWithHttpInfo()),
  row(['GET', '/apis/batch'], { query: none, body: nothing }, (make) =>
    make(BatchApi).getAPIGroupWithHttpInfo(),
  ),
  row(['GET', '/apis/batch/v1'], { query: none, body: nothing }, (make) =>
    make(BatchV1Api).getAPIResourcesWithHttpInfo(),
  ),
  row(['GET', '/apis/authorization.k8s.io/v1'], { query: none, body: nothing }, (make) =>
    make(AuthorizationV1Api).getAPIResourcesWithHttpInfo(),
  ),
];

/** The library's call for a request, or undefined where it has none that takes such a path, parameter or body. */
export function findCall(request: ApiRequest): TypedCall | undefined {
  const target = readTarget(request.path);
  if (!target || request.rawBody !== undefined) return undefined;
  const { continue: token, ...others } = target.query;
  const query = token === undefined ? others : { ...others, _continue: token };
  for (const { method, path, toCall } of rows) {
    const place = method === request.method ? matchPath(path, target.pathname) : undefined;
    if (place) return toCall(request, place, query);
  }
  return undefined;
}

function matchPath(pattern: string, pathname: string): { namespace: string; name: string } | undefined {
  const wanted = pattern.split('/');
  // The library ends the paths of the discovery with a slash.
  const parts = pathname.replace(/\/$/, '').split('/');
  const place: Record<string, string> = {};
  if (wanted.length !== parts.length) return undefined;
  for (const [index, part] of parts.entries()) {
    const expected = wanted[index] ?? '';
    if (expected.startsWith(':')) place[expected.slice(1)] = decodeURIComponent(part);
    else if (expected !== part) return undefined;
  }
  return { namespace: place['namespace'] ?? '', name: place['name'] ?? '' };
}
