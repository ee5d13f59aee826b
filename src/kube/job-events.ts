import { z } from 'zod';
import { toAppError } from './api-failure.ts';
import type { Connection } from './connection.ts';

const eventSchema = z.object({
  metadata: z.object({ creationTimestamp: z.string() }),
  message: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  series: z.object({ lastObservedTime: z.string().nullish() }).nullish(),
});
type JobEvent = z.output<typeof eventSchema>;

const listSchema = z.object({ items: z.array(eventSchema).nullish() });

/** Written by the recorder before a message that stands for many of the same reason. */
const combined = /^\(combined from similar events\): /;

/** Why the Job controller could make no pod of this Job, in the server's own words; null where it said nothing (any more). */
export async function readPodRefusal(
  { connection, namespace, jobUid }: { connection: Connection; namespace: string; jobUid: string },
  signal: AbortSignal,
): Promise<string | null> {
  const path = `/api/v1/namespaces/${namespace}/events`;
  const fieldSelector = `involvedObject.uid=${jobUid},reason=FailedCreate`;
  const answer = await connection.call({ method: 'GET', path, query: { fieldSelector } }, signal);
  if (!answer.ok) throw toAppError(answer.failure, 'read the events of a Job');
  const events = listSchema.parse(answer.value).items ?? [];
  const newest = events.reduce<JobEvent | null>(
    (latest, event) => (latest === null || seenAt(event) >= seenAt(latest) ? event : latest),
    null,
  );
  return newest?.message?.replace(combined, '') || null;
}

/** The same event again raises its count, and only its last time. */
function seenAt({ metadata, lastTimestamp, series }: JobEvent): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? metadata.creationTimestamp);
}
