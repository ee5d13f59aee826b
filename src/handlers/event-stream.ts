import type { Request, Response } from 'express';
import type { JobEvent } from '../core/job.ts';
import type { EventFeed } from '../live/event-feed.ts';
import { fill, signalOf } from './stream.ts';

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
  const reader = feed.open({ after, jobId, signal });
  const heartbeat = setInterval(() => {
    if (!res.writableNeedDrain) res.write(':\n\n');
  }, heartbeatMs);
  try {
    await fill({ req, res, signal }, async (send) => {
      // The first bytes make a browser say "open" and set how soon it tries again.
      await send('retry: 2000\n\n');
      for (;;) {
        const events = reader.take();
        for (const event of events) {
          const slowness = send(toFrame(event));
          if (slowness !== undefined) await slowness;
        }
        // A client that keeps up is never waited for, and the past may be millions of events.
        const others = reader.pause();
        if (others !== undefined) await others;
        if (events.length === 0 && !(await reader.news())) return;
      }
    });
  } finally {
    reader.leave();
    clearInterval(heartbeat);
  }
}

const frames = new WeakMap<JobEvent, Buffer>();

/** Made once for all who follow: they are given the same event. */
function toFrame(event: JobEvent): Buffer {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const frame = Buffer.from(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
  frames.set(event, frame);
  return frame;
}
