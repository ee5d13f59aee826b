import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { z } from 'zod';
import { jobEventSchema } from '../../src/core/job.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeEach(async () => {
  side = await startHttpSide();
});
afterEach(() => side.stop());

/** Reads server-sent events until `enough` of them have come, then hangs up. */
async function readEvents(path: string, enough: number, headers: Record<string, string> = {}) {
  const hangUp = new AbortController();
  const answer = await fetch(side.url + path, { headers, signal: hangUp.signal });
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events: { id: number; event: z.output<typeof jobEventSchema> }[] = [];
  const frames = framesOf(answer);
  while (events.length < enough) {
    const { value: frame } = await frames.next();
    if (frame === undefined) throw new Error('the stream ended early');
    const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(frame) ?? [];
    if (id !== undefined)
      events.push({ id: Number(id), event: jobEventSchema.parse(JSON.parse(data ?? '')) });
  }
  hangUp.abort();
  return events;
}

async function* framesOf(answer: Response) {
  let rest = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const frames = (rest + chunk).split('\n\n');
    rest = frames.pop() ?? '';
    yield* frames;
  }
}

describe('events', () => {
  // Of a refused stream a browser's EventSource never asks again.
  test.each([
    ['a number from before the database was restored', '99999999'],
    ['what was never a number of ours', 'abc'],
  ])('a reader that holds %s hears what happens from now on', async (_what, number) => {
    const hangUp = new AbortController();
    const headers = { 'Last-Event-ID': number };
    const frames = framesOf(await fetch(`${side.url}/api/v1/events`, { headers, signal: hangUp.signal }));
    const { id } = await side.submit();
    await frames.next();
    expect((await frames.next()).value).toContain(`"jobId":"${id}"`);
    hangUp.abort();
  });

  test('a history is a list, oldest first, from any event on', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    side.play.pod(id);
    const schema = z.strictObject({ events: z.array(jobEventSchema) });
    const read = async (query: object) =>
      schema.parse((await request(side.url).get(`/api/v1/jobs/${id}/events`).query(query).expect(200)).body)
        .events;
    const all = await read({});
    expect(all[0]).toMatchObject({ jobId: id, kind: 'state', state: 'QUEUED' });
    expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(await read({ after: all[0]?.seq, limit: 1 })).toEqual(all.slice(1, 2));
  });

  test('a stream begins with the past and goes on with what happens, without gap or double', async () => {
    const { id } = await side.submit();
    const other = await side.submit();
    const reading = readEvents(`/api/v1/jobs/${id}/events?follow=true`, 3);
    side.play.created(id);
    side.play.created(other.id);
    side.play.pod(id);
    const events = await reading;
    expect(new Set(events.map(({ event }) => event.jobId))).toEqual(new Set([id]));
    expect(events[0]?.event.state).toBe('QUEUED');
    for (const { id: eventId, event } of events) expect(eventId).toBe(event.seq);
  });

  test('Accept: text/event-stream asks for the stream as well, and Last-Event-ID for the rest of it', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    const seqs = side.store.listEvents({ jobId: id, after: 0, limit: 10 }).map(({ seq }) => seq);
    const events = await readEvents(`/api/v1/jobs/${id}/events`, 1, {
      Accept: 'text/event-stream',
      'Last-Event-ID': String(seqs[0]),
    });
    expect(events[0]?.id).toBe(seqs[1]);
  });

  test('the stream of everything begins now, or where it is told to', async () => {
    await side.submit({ id: 'before' });
    const fromStart = await readEvents('/api/v1/events?after=0', 1);
    expect(fromStart[0]?.event.jobId).toBe('before');
    const hangUp = new AbortController();
    const answer = await fetch(`${side.url}/api/v1/events`, { signal: hangUp.signal });
    await side.submit({ id: 'later' });
    const frames = framesOf(answer);
    expect((await frames.next()).value).toBe('retry: 2000');
    expect((await frames.next()).value).toContain('"jobId":"later"');
    hangUp.abort();
  });

  test('a stream ends when the service stops', async () => {
    const answer = await fetch(`${side.url}/api/v1/events`);
    side.closing.abort();
    expect(await answer.text()).toBe('retry: 2000\n\n');
  });

  test('HEAD of a stream gets the headers and no more', async () => {
    const answer = await request(side.url).head('/api/v1/events').expect(200);
    expect(answer.headers['content-type']).toContain('text/event-stream');
  });
});

describe('logs', () => {
  test('are the raw bytes as plain text that no browser takes for a page', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    side.play.pod(id);
    const raw = '<script>alert(1)</script> \u001b[31mred\u001b[0m\n';
    side.podLogs.set(side.play.podName(id), [raw]);
    const answer = await request(side.url).get(`/api/v1/jobs/${id}/logs`).expect(200);
    expect(answer.text).toBe(raw);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
  });

  test('of a job that has no pod yet are empty', async () => {
    const { id } = await side.submit();
    const answer = await request(side.url).get(`/api/v1/jobs/${id}/logs`).expect(200);
    expect(answer.text).toBe('');
  });

  test('that are followed begin with the first pod and end with the job', async () => {
    const { id } = await side.submit();
    const answer = await fetch(`${side.url}/api/v1/jobs/${id}/logs?follow=true`);
    side.podLogs.set(side.play.podName(id), ['first\n', 'second\n']);
    side.play.created(id);
    side.play.pod(id);
    side.play.pod(id, { phase: 'Succeeded', exitCode: 0, finishedAt: new Date().toISOString() });
    side.play.ended(id, 'Complete');
    expect(await answer.text()).toBe('first\nsecond\n');
  });

  test('that are followed are broken off when the service stops: an end would say that they are whole', async () => {
    const { id } = await side.submit();
    const answer = await fetch(`${side.url}/api/v1/jobs/${id}/logs?follow=true`);
    side.closing.abort();
    await expect(answer.text()).rejects.toThrow();
  });

  test.each(['tail=-1', 'tail=x', 'task=1.5', 'follow=yes', 'lines=3'])('?%s is a fault', async (query) => {
    const { id } = await side.submit();
    await request(side.url).get(`/api/v1/jobs/${id}/logs?${query}`).expect(400);
  });
});
