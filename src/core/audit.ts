import { z } from 'zod';

/** An entry of the audit log. No secret is ever in it, and nothing of what a job is about but its id. */
export const auditEntrySchema = z.strictObject({
  seq: z.int(),
  at: z.iso.datetime(),
  principal: z
    .string()
    .nullable()
    .describe(
      'The name of a token, an e-mail address, `command line` or `service itself`; null where nobody knows',
    ),
  action: z.enum(['submit', 'rerun', 'cancel', 'login', 'logout', 'access', 'token-create', 'token-revoke']),
  target: z.string().nullable().describe('The id of a job, the name of a token, or a route'),
  outcome: z.enum(['done', 'refused']),
  address: z.string().nullable().describe('As the network shows it; of IPv6 the first half'),
});
export type AuditEntry = z.output<typeof auditEntrySchema>;

export const auditPageSchema = z.strictObject({ entries: z.array(auditEntrySchema) });
