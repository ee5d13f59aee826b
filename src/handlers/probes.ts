import { z } from 'zod';
import { readinessSchema } from '../core/readiness.ts';
import type { ControlHealth } from '../core/readiness.ts';
import type { Store } from '../store/store.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

const healthSchema = z.strictObject({ status: z.literal('ok') });

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
      kind: 'api',
      tag: 'Operation',
      summary: 'Whether the first look at the cluster is done, and how the work goes since',
      forMachines: true,
      isProbe: true,
      answers: {
        200: { description: 'Ready, though perhaps degraded', schema: readinessSchema },
        503: { description: 'Not yet', schema: readinessSchema },
      },
      problems: [400],
      handle: ({ res }) => {
        const health = readiness();
        const queue = { ...store.queueStatus(), maxActive };
        res.status(health.ready ? 200 : 503).json({ ...health, queue });
      },
    }),
  ];
}
