import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createToldObjects } from '../../bench/told-objects.ts';
import { until } from '../support/until.ts';

let objects: ReturnType<typeof createToldObjects>;
let server: ReturnType<typeof createServer>;
let answer: (response: ServerResponse) => void;
let stop: AbortController;

beforeEach(async () => {
  stop = new AbortController();
  server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  stop.abort();
  server.closeAllConnections();
  server.close();
});

const url = () => `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}/`;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});

async function list(page = { limit: 10, from: 0 }) {
  answer = (response) => objects.list(page, response);
  return listSchema.parse(await (await fetch(url())).json());
}

/** The events that a watch has brought so far. */
async function watch(since: number): Promise<() => string[]> {
  answer = (response) => objects.watch(since, response);
  const { body } = await fetch(url(), { signal: stop.signal });
  let received = '';
  void (async () => {
    for await (const chunk of body ?? []) received += Buffer.from(chunk).toString();
  })().catch(() => {});
  return () => received.split('\n').slice(0, -1);
}

test('a list has what was there, what was told since as it was told last, and nothing that was deleted', async () => {
  objects = createToldObjects(['"old"']);
  objects.tell({ type: 'ADDED', uid: 'a', object: '"a"' });
  objects.tell({ type: 'MODIFIED', uid: 'a', object: '"a again"' });
  objects.tell({ type: 'ADDED', uid: 'b', object: '"b"' });
  objects.tell({ type: 'DELETED', uid: 'b', object: '"b"' });
  expect((await list()).items).toEqual(['old', 'a again']);
});

test('what is to be forgotten is in no list any more, except what was there from the beginning', async () => {
  objects = createToldObjects(['"old"']);
  objects.tell({ type: 'ADDED', uid: 'a', object: '"a"' });
  objects.forget();
  expect((await list()).items).toEqual(['old']);
});

test('the pages of a list belong together, whatever is told in between', async () => {
  objects = createToldObjects(['"one"', '"two"', '"three"']);
  const first = await list({ limit: 2, from: 0 });
  objects.tell({ type: 'ADDED', uid: 'a', object: '"late"' });
  const second = await list({ limit: 2, from: Number(first.metadata.continue) });
  expect([first.items, second.items]).toEqual([['one', 'two'], ['three']]);
  expect(second.metadata.continue).toBeUndefined();
  const received = await watch(Number(second.metadata.resourceVersion));
  await until(() => received().length === 1);
  expect(received()).toEqual(['{"type":"ADDED","object":"late"}']);
});

test('a watch brings what was told after the list that it goes on from, and all that is told later', async () => {
  objects = createToldObjects([]);
  objects.tell({ type: 'ADDED', uid: 'a', object: '"a"' });
  const { metadata } = await list();
  objects.tell({ type: 'ADDED', uid: 'b', object: '"b"' });
  const received = await watch(Number(metadata.resourceVersion));
  objects.tell({ type: 'DELETED', uid: 'a', object: '"a"' });
  await until(() => received().length === 2);
  expect(received()).toEqual(['{"type":"ADDED","object":"b"}', '{"type":"DELETED","object":"a"}']);
});
