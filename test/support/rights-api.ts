import { z } from 'zod';
import { neededQuestions, neededRules } from '../../src/core/cluster-rights.ts';
import type { Right } from '../../src/core/cluster-rights.ts';
import { sendJson, sendStatus, startFakeApi } from '../kube/fake-api.ts';
import type { Handler } from '../kube/fake-api.ts';

const attributesSchema = z.object({
  namespace: z.string().optional(),
  group: z.string(),
  resource: z.string(),
  subresource: z.string().optional(),
  name: z.string().optional(),
  verb: z.string(),
});
const reviewSchema = z.object({ spec: z.object({ resourceAttributes: attributesSchema }) });

/** The namespace of the fake API's kubeconfig. */
export const namespace = 'somewhere';

export type Asked = Right & { namespace?: string | undefined };

export type RightsApi = {
  /** Beside the rights that are needed, in its own namespace, and no others. */
  isAllowed: (asked: Asked, isNeeded: boolean) => boolean;
  labels: Record<string, string>;
  quotas: unknown[];
  user: string;
  version: string;
  /** Comes before all of that; true where it has answered, or never will. */
  answerFirst: (...call: Parameters<Handler>) => boolean;
};

const keyOf = ({ group, resource, subresource = '', name = '', verb }: Right) =>
  [group, resource, subresource, name, verb].join('|');

/** An API server as far as rights, namespace and quota go, with an empty namespace for the rest. */
export async function startRightsApi(changes: Partial<RightsApi> = {}) {
  const server: RightsApi = {
    isAllowed: (_asked, isNeeded) => isNeeded,
    labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    quotas: [],
    user: 'system:serviceaccount:jobspawn:jobspawn',
    version: 'v1.36.2',
    answerFirst: () => false,
    ...changes,
  };
  const needed = new Set(
    neededRules(namespace).flatMap((rule) =>
      neededQuestions(rule, namespace).map(({ right }) => keyOf(right)),
    ),
  );

  function review(body: unknown) {
    const asked = reviewSchema.parse(body).spec.resourceAttributes;
    const allowed = server.isAllowed(asked, asked.namespace === namespace && needed.has(keyOf(asked)));
    return { status: allowed ? { allowed, reason: 'RBAC: allowed by a test' } : { allowed } };
  }

  const api = await startFakeApi((request, response) => {
    if (server.answerFirst(request, response)) return;
    const { path, query } = request;
    if (path === '/version') sendJson(response, 200, { gitVersion: server.version });
    else if (path.endsWith('/selfsubjectreviews'))
      sendJson(response, 201, { status: { userInfo: { username: server.user } } });
    else if (path.endsWith('/selfsubjectaccessreviews')) sendJson(response, 201, review(request.body));
    else if (path === `/api/v1/namespaces/${namespace}`)
      sendJson(response, 200, {
        metadata: { uid: '8a4a5b1c-0000-4000-8000-000000000000', labels: server.labels },
      });
    else if (path.endsWith('/resourcequotas')) sendJson(response, 200, { items: server.quotas });
    else if (query.get('watch') !== null) response.writeHead(200).flushHeaders();
    else if (/\/(jobs|pods)$/.test(path) && request.method === 'GET')
      sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [] });
    else sendStatus(response, 403, 'Forbidden');
  });
  return api;
}
