import { z } from 'zod';
import { suffices } from '../core/access.ts';
import { readinessSchema } from '../core/readiness.ts';
import type { ControlHealth } from '../core/readiness.ts';
import type { Store } from '../store/store.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

const healthSchema = z.strictObject({ status: z.literal('ok') });
const answerSchema = z.union([readinessSchema, readinessSchema.pick({ ready: true })]);

/** For the kubelet and the like. Once ready, an outage of the cluster shows as `degraded`: reports must still come in. */
export function createProbes({
  readiness,
  store,
  maxActive,
}: {
  readiness: () => ControlHealth;
  store: Pick<Store, 'queueStatus'>;
  maxActive: number;
}): Route[] {
  return [
    route({
      method: 'get',
      path: '/healthz',
      needs: 'nobody',
      kind: 'api',
      tag: 'Operation',
      summary: 'Whether the process answers',
      forMachines: true,
      isProbe: true,
      forWorkers: 'too',
      answers: { 200: { description: 'It does', schema: healthSchema } },
      problems: [400],
      handle: ({ res }) => res.json({ status: 'ok' }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      needs: 'nobody',
      dependsOnCaller: true,
      kind: 'api',
      tag: 'Operation',
      summary: 'Whether the first look at the cluster is done, and how the work goes since',
      description: 'Who may read jobs is told everything, a stranger `ready` alone.',
      forMachines: true,
      isProbe: true,
      answers: {
        200: { description: 'Ready, though perhaps degraded', schema: answerSchema },
        503: { description: 'Not yet', schema: answerSchema },
      },
      problems: [400],
      handle: ({ res, caller }) => {
        const health = readiness();
        res.status(health.ready ? 200 : 503);
        // The sentences name hosts, namespaces and what the cluster refused.
        if (suffices(caller, 'viewer')) res.json({ ...health, queue: { ...store.queueStatus(), maxActive } });
        else res.json({ ready: health.ready });
      },
    }),
  ];
}
