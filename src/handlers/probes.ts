import { z } from 'zod';
import { route } from './route.ts';
import type { Route } from './route.ts';

export type Readiness = () => { ready: boolean; degraded: string[] };

const healthSchema = z.strictObject({ status: z.literal('ok') });
const readinessSchema = z.strictObject({
  ready: z.boolean(),
  degraded: z.array(z.string()).describe('What does not work at the moment, a sentence each'),
});

/** For the kubelet and the like. Once ready, an outage of the cluster shows as `degraded`: reports must still come in. */
export function createProbes({ readiness }: { readiness: Readiness }): Route[] {
  return [
    route({
      method: 'get',
      path: '/healthz',
      kind: 'api',
      tag: 'Operation',
      summary: 'Whether the process answers',
      forMachines: true,
      answers: { 200: { description: 'It does', schema: healthSchema } },
      problems: [400],
      handle: ({ res }) => res.json({ status: 'ok' }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      kind: 'api',
      tag: 'Operation',
      summary: 'Whether the first look at the cluster is done',
      forMachines: true,
      answers: {
        200: { description: 'Ready, though perhaps degraded', schema: readinessSchema },
        503: { description: 'Not yet', schema: readinessSchema },
      },
      problems: [400],
      handle: ({ res }) => {
        const { ready, degraded } = readiness();
        res.status(ready ? 200 : 503).json({ ready, degraded });
      },
    }),
  ];
}
