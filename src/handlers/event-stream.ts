import type { Request, Response } from 'express';
import type { JobEvent } from '../core/job.ts';
import type { EventFeed } from '../live/event-feed.ts';
import { pour, signalOf } from './stream.ts';

/** Proxies close connections that are silent for a minute or so. */
const heartbeatMs = 15_000;

/**
 * Server-sent events (text/event-stream): every event's `id` is its `seq`, so that a browser that lost the connection
 * goes on where it was (`Last-Event-ID`).
 */
export async function streamEvents(
  { req, res }: { req: Request; res: Response },
  { feed, after, jobId, closing }: { feed: EventFeed; after: number; jobId?: string; closing: AbortSignal },
): Promise<void> {
  const signal = signalOf(res, closing);
  res.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
  res.flushHeaders();
  const heartbeat = setInterval(() => {
    if (!res.writableNeedDrain) res.write(':\n\n');
  }, heartbeatMs);
  try {
    await pour(toFrames(feed.follow({ after, jobId, signal })), { req, res, signal });
  } finally {
    clearInterval(heartbeat);
  }
}

async function* toFrames(events: AsyncIterable<JobEvent>): AsyncIterable<string> {
  // The first bytes make a browser say "open" and set how soon it tries again.
  yield 'retry: 2000\n\n';
  for await (const event of events) yield `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}
