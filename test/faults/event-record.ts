import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const toldSchema = z.object({ seq: z.int(), jobId: z.string(), kind: z.string(), state: z.string() });

/** An event of the history, as far as the checker reads it. */
export type ToldEvent = z.output<typeof toldSchema>;
export const toldEventsSchema = z.object({ events: z.array(toldSchema) });

/** Follows the events of all jobs after this one, across every end of the service, by the id of the last one that came. */
export function startEventRecord(url: string, after = 0) {
  const events: ToldEvent[] = [];
  const ending = new AbortController();
  let lastId = after;

  async function follow(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await read();
      } catch {
        // The service is away: the next connection goes on where this one ended.
      }
      await delay(100, undefined, { signal: ending.signal }).catch(() => {});
    }
  }

  async function read(): Promise<void> {
    const answer = await fetch(`${url}/api/v1/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': String(lastId) },
      signal: ending.signal,
    });
    let rest = '';
    for await (const bytes of (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const frames = (rest + bytes).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) take(frame);
    }
  }

  function take(frame: string): void {
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (data === undefined) return;
    const event = toldSchema.parse(JSON.parse(data));
    lastId = event.seq;
    events.push(event);
  }

  const following = follow();
  return {
    events,
    async stop() {
      ending.abort();
      await following;
    },
  };
}
