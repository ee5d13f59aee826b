import { z } from 'zod';
import { jobEventSchema } from '../core/job.ts';
import type { EventFeed } from '../live/event-feed.ts';
import type { JobLog } from '../live/job-log.ts';
import type { Store } from '../store/store.ts';
import { streamEvents } from './event-stream.ts';
import { getJob } from './job-api.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';
import { pour, signalOf } from './stream.ts';
import type { TakeStream } from './stream.ts';

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((word) => word === 'true');
const count = z.coerce.number().int().min(0);
const seq = count.describe('Only what came after the event with this `seq`');
// A browser sends back whatever id it saw last; a proxy's nonsense is no reason to refuse the stream.
const lastEventId = z.object({
  'Last-Event-ID': count
    .optional()
    .catch(undefined)
    .describe('The `id` of the last event that came; what is no such number is ignored'),
});

const eventStream = {
  description: 'Server-sent events: `id` is the `seq`, `data` the event as JSON',
  mediaType: 'text/event-stream',
};

/** What happens to jobs while it happens: their events, and their logs. `closing` ends every stream. */
export function createJobStreams({
  store,
  feed,
  jobLog,
  takeStream,
  closing,
}: {
  store: Pick<Store, 'findJob' | 'listEvents' | 'lastSeq'>;
  feed: EventFeed;
  jobLog: JobLog;
  takeStream: TakeStream;
  closing: AbortSignal;
}): Route[] {
  /** From now on, unless said; also for a number that lies ahead, as a reader of a database that was restored since may hold. */
  const startOf = (after: number | undefined) => Math.min(after ?? Number.MAX_SAFE_INTEGER, store.lastSeq());

  return [
    route({
      method: 'get',
      path: '/api/v1/events',
      needs: 'viewer',
      kind: 'api',
      isLasting: true,
      tag: 'Events',
      summary: 'Follow the events of all jobs',
      description: 'From now on, or after `Last-Event-ID` or `after` (0: from the very first).',
      query: z.strictObject({ after: seq.optional() }),
      headers: lastEventId,
      answers: { 200: eventStream },
      problems: [400, 421],
      handle: ({ req, res, query, headers }) => {
        takeStream(req, res);
        const after = startOf(headers['Last-Event-ID'] ?? query.after);
        return streamEvents({ req, res }, { feed, after, closing });
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/jobs/:id/events',
      needs: 'viewer',
      kind: 'api',
      isLasting: true,
      tag: 'Events',
      summary: "Read or follow a job's history",
      description:
        'With `follow=true` or `Accept: text/event-stream` it is a stream, after `Last-Event-ID` or `after`.',
      query: z.strictObject({
        follow: flag,
        after: seq.default(0),
        limit: z.coerce
          .number()
          .int()
          .min(1)
          .max(1000)
          .default(1000)
          .describe('Of the list, not of the stream'),
      }),
      headers: lastEventId,
      answers: {
        200: {
          ...eventStream,
          description: 'The history, oldest first; or, when asked for, server-sent events',
          schema: z.strictObject({ events: z.array(jobEventSchema) }),
        },
      },
      problems: [400, 404, 421],
      handle: ({ req, res, param, query, headers }) => {
        const { id: jobId } = getJob(store, param('id'));
        if (query.follow || req.accepts(['json', 'text/event-stream']) === 'text/event-stream') {
          takeStream(req, res);
          const after = startOf(headers['Last-Event-ID'] ?? query.after);
          return streamEvents({ req, res }, { feed, after, jobId, closing });
        }
        return res.json({ events: store.listEvents({ jobId, after: query.after, limit: query.limit }) });
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/jobs/:id/logs',
      needs: 'viewer',
      kind: 'api',
      isLasting: true,
      tag: 'Jobs',
      summary: "Read or follow a job's log",
      description: 'The bytes that the containers wrote. Works after the pods are gone.',
      query: z.strictObject({
        follow: flag.describe('Go on until the job has ended'),
        task: count.optional().describe('Only this completion index'),
        attempt: count.optional().describe('Only this attempt of each task; 0 is the first'),
        tail: count.optional().describe('Only so many lines from the end of the log of each pod'),
      }),
      answers: { 200: { description: 'The log', mediaType: 'text/plain' } },
      problems: [400, 404, 421],
      handle: async ({ req, res, param, query }) => {
        const job = getJob(store, param('id'));
        takeStream(req, res);
        const signal = signalOf(res, closing);
        res.type('text/plain; charset=utf-8');
        // A follower must see that it is connected before the first line, which may be minutes away.
        if (query.follow) res.flushHeaders();
        await pour(jobLog.read(job, { ...query, signal }), { req, res, signal, whole: true });
      },
    }),
  ];
}
