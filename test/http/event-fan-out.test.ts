import { afterEach, beforeEach, expect, test } from '@jest/globals';
import express from 'express';
import { listen } from '../../src/app/listen.ts';
import type { Listener } from '../../src/app/listen.ts';
import type { JobEvent } from '../../src/core/job.ts';
import { streamEvents } from '../../src/handlers/event-stream.ts';
import { createEventFeed } from '../../src/live/event-feed.ts';
import type { EventFeed } from '../../src/live/event-feed.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { until } from '../support/until.ts';

let closing: AbortController;
let stage: Stage;
let feed: EventFeed;
let listener: Listener;
/** How often each event was made into text, by its number. */
const made = new Map<number, number>();

/** As it is, but that it counts. */
function counted(event: JobEvent): JobEvent {
  const toJSON = () => {
    made.set(event.seq, (made.get(event.seq) ?? 0) + 1);
    return event;
  };
  return Object.assign({ ...event }, { toJSON });
}

beforeEach(async () => {
  stage = openStage();
  closing = new AbortController();
  const { store } = stage;
  const listEvents: typeof store.listEvents = (query) => store.listEvents(query).map(counted);
  feed = createEventFeed({ store: { ...store, listEvents } });
  const app = express().get('/', (req, res) =>
    streamEvents({ req, res }, { feed, after: store.lastSeq(), closing: closing.signal }),
  );
  listener = await listen(app, { host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  closing.abort();
  await listener.close();
  stage.close();
});

test('an event is made into text once, however many follow', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${listener.port}/`)),
  );
  const id = stage.create();
  for (const status of ['one', 'two', 'three']) stage.store.addReport({ 'job-id': id, status });
  await until(() => made.has(stage.store.lastSeq()));
  closing.abort();
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  for (const text of texts) expect(text).toBe(texts[0]);
  expect(texts[0]).toContain('"status":"three"');
  expect(new Set(made.values())).toEqual(new Set([1]));
});

test.each(['GET', 'HEAD'])('a reader who goes away is a follower no more (%s)', async (method) => {
  const hangUp = new AbortController();
  const url = `http://127.0.0.1:${listener.port}/`;
  await fetch(url, { method, signal: hangUp.signal });
  if (method === 'GET') expect(feed.countFollowers()).toBe(1);
  hangUp.abort();
  await until(() => feed.countFollowers() === 0);
});
