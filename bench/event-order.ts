import { z } from 'zod';

/** Each with a `message` in its body that no other one has. */
const reportsSchema = z.array(
  z.strictObject({ message: z.string(), headers: z.record(z.string(), z.string()), body: z.string() }),
);

/** For bench/event-readers.ts: so many readers, and these reports at this pace. */
export const eventOrderSchema = z.strictObject({
  url: z.url(),
  /** Of the server, for its processor time. */
  pid: z.int(),
  readers: z.int().min(2),
  perSecond: z.number().positive(),
  /** Sent while there is a single reader: what these cost the server is no reader's cost. */
  alone: reportsSchema.min(1),
  /** Sent while all read. */
  counted: reportsSchema.min(1),
  /** Sent before each of the two, and not counted: the first one loads and compiles what all others use. */
  first: reportsSchema.length(2),
});
export type EventOrder = z.output<typeof eventOrderSchema>;

/** From the sending of a report to its event at a reader, in ms, over all readers; and processor time of the server, in us. */
export const eventTimesSchema = z.object({
  p50: z.number(),
  p99: z.number(),
  /** For each report, with a single reader. */
  alone: z.number(),
  /** For each event at each reader but the first: what a report costs beyond that. */
  cpu: z.number(),
});
