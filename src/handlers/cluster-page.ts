import type { ClusterReport } from '../core/cluster-report.ts';
import type { ControlHealth } from '../core/readiness.ts';
import { tryRequest } from '../core/try-request.ts';
import type { Store } from '../store/store.ts';
import { toClusterView, toHealthView, toLimitRows } from './cluster-view.ts';
import type { Limits } from './cluster-view.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

/** What the form that tries the cluster sends to `POST /jobs`, like any other form there. */
const tryFields = Object.entries(tryRequest).map(([name, value]) => ({
  name,
  value: Array.isArray(value) ? value.join('\n') : String(value),
}));

/** What we may do in the cluster, what is missing, and how the work goes. */
export function createClusterPage({
  check,
  readiness,
  store,
  limits,
}: {
  /** Shared by all viewers for a while. */
  check: () => Promise<ClusterReport>;
  readiness: () => ControlHealth;
  store: Pick<Store, 'queueStatus'>;
  limits: Limits;
}): Route[] {
  return [
    route({
      method: 'get',
      path: '/cluster',
      kind: 'page',
      tag: 'Pages',
      needs: 'viewer',
      summary: 'What the service may do in its cluster, and what is missing',
      answers: { 200: { description: 'The page', mediaType: 'text/html' } },
      problems: [400, 421, 503],
      handle: async ({ res }) => {
        const report = await check();
        res.render('cluster', {
          title: 'Cluster',
          report: toClusterView(report),
          health: toHealthView(readiness()),
          limits: toLimitRows(limits, store.queueStatus()),
          tryFields,
        });
      },
    }),
  ];
}
