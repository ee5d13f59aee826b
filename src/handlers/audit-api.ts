import { z } from 'zod';
import { auditPageSchema } from '../core/audit.ts';
import type { Store } from '../store/store.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

/** Who did what, for those who look after it. */
export function createAuditApi({ store }: { store: Pick<Store, 'listAudit'> }): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/v1/audit',
      kind: 'api',
      needs: 'admin',
      tag: 'Operation',
      summary: 'Read the audit log, oldest first',
      query: z.strictObject({
        after: z.coerce
          .number()
          .int()
          .min(0)
          .default(0)
          .describe('Only what came after the entry with this `seq`'),
        limit: z.coerce.number().int().min(1).max(1000).default(1000),
      }),
      answers: { 200: { description: 'The entries', schema: auditPageSchema } },
      problems: [400, 421],
      handle: ({ res, query }) => res.json({ entries: store.listAudit(query) }),
    }),
  ];
}
