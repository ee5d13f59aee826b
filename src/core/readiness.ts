import { z } from 'zod';

const time = z.iso.datetime();

const watchHealthSchema = z.strictObject({
  lastSyncAt: time.nullable().describe('When the last complete list came'),
  lagSeconds: z
    .number()
    .nullable()
    .describe('Since the last sign that the watch is current: a complete list, an event or a bookmark'),
  restarts: z.int().describe('Lists and watches that failed'),
  faults: z.int().describe('Objects that could not be read or handled'),
});

const loopHealthSchema = z.strictObject({
  runs: z.int(),
  failures: z.int(),
  lastSuccessAt: time.nullable(),
  lastError: z.string().nullable().describe('What the last run failed with; null when it did not'),
});
export type LoopHealth = z.output<typeof loopHealthSchema>;

/** How the parts that deal with the cluster fare; null before the cluster is known. */
const controlHealthSchema = z.strictObject({
  ready: z.boolean().describe('The first look at the cluster is done; it stays true through later outages'),
  degraded: z.array(z.string()).describe('What does not work at the moment, a sentence each'),
  watches: z.strictObject({ jobs: watchHealthSchema, pods: watchHealthSchema }).nullable(),
  observations: z
    .strictObject({
      owed: z.int().describe('Seen, and not stored yet'),
      faults: z.int().describe('Those that could not be stored at once'),
      orphans: z.int().describe('Jobs with our label that belong to no row'),
    })
    .nullable(),
  dispatch: z
    .strictObject({
      held: z.string().nullable().describe('Why nothing is created now'),
      outcomes: z.record(z.string(), z.int()).describe('How many tries had which outcome'),
    })
    .nullable(),
  loops: z.record(z.string(), loopHealthSchema),
});
export type ControlHealth = z.output<typeof controlHealthSchema>;

/** What `/readyz` answers. */
export const readinessSchema = controlHealthSchema.extend({
  queue: z.strictObject({
    depth: z.int().describe('Jobs that are not known to be in the cluster yet'),
    oldestQueuedAt: time.nullable(),
    active: z.int().describe('Jobs that hold a place in the cluster'),
    maxActive: z.int(),
  }),
});
