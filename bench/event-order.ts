import { z } from 'zod';

/** For bench/event-readers.ts: so many readers, and these reports at this pace. */
export const eventOrderSchema = z.strictObject({
  url: z.url(),
  /** Of the service, for its processor time. */
  pid: z.int(),
  readers: z.int().min(1),
  perSecond: z.number().positive(),
  /** Each with a `message` in its body that no other one has. */
  reports: z.array(
    z.strictObject({ message: z.string(), headers: z.record(z.string(), z.string()), body: z.string() }),
  ),
});
export type EventOrder = z.output<typeof eventOrderSchema>;

/**
 * From the sending of a report to its event at a reader, in ms, over all readers; and the processor time of the service for each event
 * at each reader, in us, that of the reports themselves included.
 */
export const eventTimesSchema = z.object({ p50: z.number(), p99: z.number(), cpu: z.number() });
