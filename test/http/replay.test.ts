import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/app/listen.ts';
import type { Listener } from '../../src/app/listen.ts';
import { streamEvents } from '../../src/handlers/event-stream.ts';
import { createEventFeed } from '../../src/live/event-feed.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

const batches = 10;
const total = batches * 500;

let stage: Stage;
let closing: AbortController;
let listener: Listener;
/** How many turns the event loop had taken when each batch was read. */
const readAt: number[] = [];

/** A history of thousands of events, made of the first one of the store. */
beforeEach(async () => {
  stage = openStage();
  stage.create();
  const { store } = stage;
  const [first] = store.listEvents({ after: 0, limit: 1 });
  if (first === undefined) throw new Error('a new job has no history');
  let turns = 0;
  const feed = createEventFeed({
    store: {
      ...store,
      lastSeq: () => total,
      listEvents: ({ after, limit }) => {
        readAt.push(turns);
        const count = Math.min(limit, total - after);
        return Array.from({ length: count }, (_, nth) => ({ ...first, seq: after + nth + 1 }));
      },
    },
  });
  closing = new AbortController();
  void (async () => {
    for (; !closing.signal.aborted; turns += 1) await nextTurn();
  })();
  const app = express().get('/', (req, res) =>
    streamEvents({ req, res }, { feed, after: 0, closing: closing.signal }),
  );
  listener = await listen(app, { host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  closing.abort();
  await listener.close();
  stage.close();
  readAt.splice(0);
});

async function readAll(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`);
  let text = '';
  for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text = text.slice(-1000) + part;
    if (text.includes(`\nid: ${total}\n`)) return;
  }
  throw new Error('the stream ended early');
}

test.each([1, 4])(
  'the past is told a batch at a time, with turns for others in between (%i readers)',
  async (readers) => {
    await Promise.all(Array.from({ length: readers }, readAll));
    const turns = (readAt.at(-1) ?? 0) - (readAt[0] ?? 0);
    expect(readAt.length).toBeGreaterThanOrEqual(readers * batches);
    // Who has just come reads a first batch at once.
    expect(turns).toBeGreaterThanOrEqual(readers * (batches - 1));
  },
);
