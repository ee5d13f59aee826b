import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { JobEvent } from '../../src/core/job.ts';
import { createEventFeed } from '../../src/live/event-feed.ts';
import type { EventFeed } from '../../src/live/event-feed.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';
import { until } from '../support/until.ts';

let stage: Stage;
let feed: EventFeed;
let stop: AbortController;

beforeEach(() => {
  stage = openStage();
  feed = createEventFeed({ store: stage.store });
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  stage.close();
});

const say = (id: string, status: string) => stage.store.addReport({ 'job-id': id, status });

/** Takes what comes in the background; `ended` settles when the feed lets go of its reader. */
function collect(options: { after: number; jobId?: string; signal?: AbortSignal }) {
  const seen: JobEvent[] = [];
  const ended = (async () => {
    for await (const event of feed.follow({ signal: stop.signal, ...options })) seen.push(event);
  })();
  return { seen, seqs: () => seen.map((event) => event.seq), ended };
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, nth) => first + nth);

test('a reader gets what was there already, then what comes, without gap or double', async () => {
  const id = stage.create();
  const reader = collect({ after: 0 });
  say(id, 'one');
  await until(() => reader.seen.length === stage.store.lastSeq());
  say(id, 'two');
  say(id, 'three');
  await until(() => reader.seen.length === stage.store.lastSeq());
  expect(reader.seqs()).toEqual(upTo(stage.store.lastSeq()));
});

test('a reader that comes back goes on after its last number', async () => {
  const id = stage.create();
  say(id, 'one');
  const reader = collect({ after: 2 });
  await until(() => reader.seen.length > 0);
  expect(reader.seqs()).toEqual(upTo(stage.store.lastSeq(), 3));
});

test('a reader of one job is told of that job alone', async () => {
  const one = stage.create({ id: 'one' });
  const other = stage.create({ id: 'other' });
  const reader = collect({ after: 0, jobId: one });
  say(other, 'not for you');
  say(one, 'for you');
  await until(() => reader.seen.some((event) => event.status === 'for you'));
  expect(new Set(reader.seen.map((event) => event.jobId))).toEqual(new Set([one]));
});

test('a burst in a single turn of the event loop reaches every reader in order', async () => {
  const id = stage.create();
  const readers = [
    collect({ after: 0 }),
    collect({ after: 0, jobId: id }),
    collect({ after: stage.store.lastSeq() }),
  ];
  const before = stage.store.lastSeq();
  for (let nth = 0; nth < 600; nth += 1) say(id, `word ${nth}`);
  const last = stage.store.lastSeq();
  for (const [nth, { seqs }] of readers.entries()) {
    await until(() => seqs().at(-1) === last);
    expect(seqs()).toEqual(upTo(last, nth === 2 ? before + 1 : 1));
  }
});

test('a slow reader holds up nobody and misses nothing', async () => {
  const id = stage.create();
  const slow = feed.follow({ after: 0, signal: stop.signal });
  const first = await slow.next();
  const quick = collect({ after: 0 });
  for (let nth = 0; nth < 550; nth += 1) say(id, `word ${nth}`);
  const last = stage.store.lastSeq();
  await until(() => quick.seqs().at(-1) === last);
  const taken = [first.value?.seq];
  while (taken.at(-1) !== last) taken.push((await slow.next()).value?.seq);
  expect(taken).toEqual(upTo(last));
  await slow.return();
});

test('the signal ends a reader that waits and one that has never begun', async () => {
  stage.create();
  const waiting = collect({ after: stage.store.lastSeq() });
  await Promise.resolve();
  stop.abort();
  await waiting.ended;
  expect(waiting.seen).toEqual([]);
  const late = collect({ after: 0 });
  await late.ended;
  expect(late.seen).toEqual([]);
});

test('the newest events are read once, and every reader is given the same', async () => {
  let reads = 0;
  const { store } = stage;
  const counted = createEventFeed({
    store: {
      ...store,
      listEvents: (query) => {
        reads += 1;
        return store.listEvents(query);
      },
    },
  });
  const readers = Array.from({ length: 10 }, () =>
    counted.open({ after: store.lastSeq(), signal: stop.signal }),
  );
  const told = readers.map((reader) => reader.news());
  stage.create();
  expect(await Promise.all(told)).toEqual(readers.map(() => true));
  const [first = [], ...others] = readers.map((reader) => reader.take());
  expect(first.map(({ seq }) => seq)).toEqual(upTo(store.lastSeq()));
  for (const taken of others) for (const [nth, event] of taken.entries()) expect(event).toBe(first[nth]);
  expect(reads).toBe(1);
  for (const reader of readers) reader.leave();
});

test('who takes a full batch lets others in, and who takes what comes does not wait', async () => {
  const id = stage.create();
  for (let nth = 0; nth < 600; nth += 1) say(id, `word ${nth}`);
  const reader = feed.open({ after: 0, signal: stop.signal });
  reader.take();
  let letIn = false;
  setImmediate(() => {
    letIn = true;
  });
  await reader.pause();
  expect(letIn).toBe(true);
  reader.take();
  expect(reader.pause()).toBeUndefined();
  say(id, 'one more');
  reader.take();
  expect(reader.pause()).toBeUndefined();
  reader.leave();
});

test('a reader whose signal has ended is given nothing more, and hears so at once', async () => {
  stage.create();
  const reader = feed.open({ after: 0, signal: stop.signal });
  stop.abort();
  expect(reader.take()).toEqual([]);
  expect(await reader.news()).toBe(false);
  reader.leave();
  expect(feed.countFollowers()).toBe(0);
});

test('who leaves twice has left once', () => {
  const [stays, goes] = [0, 0].map((after) => feed.open({ after, signal: stop.signal }));
  goes?.leave();
  goes?.leave();
  expect(feed.countFollowers()).toBe(1);
  stays?.leave();
});

test('when the last reader has left, nothing listens to the store any more', async () => {
  let listeners = 0;
  const { store } = stage;
  const counted = createEventFeed({
    store: {
      ...store,
      onCommit: (listener) => {
        listeners += 1;
        const release = store.onCommit(listener);
        return () => {
          listeners -= 1;
          release();
        };
      },
    },
  });
  const readers = [1, 2].map(() => counted.follow({ after: 0, signal: stop.signal }));
  const id = stage.create();
  for (const reader of readers) await reader.next();
  expect(listeners).toBe(1);
  // A commit is still under way to the readers when they leave.
  say(id, 'last word');
  for (const reader of readers) await reader.return();
  expect(listeners).toBe(0);
});
