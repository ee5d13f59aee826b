import { afterAll, beforeAll, expect, test } from '@jest/globals';
import request from 'supertest';
import { problemSchema } from '../../src/handlers/problem.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;

beforeAll(async () => {
  side = await startHttpSide({ maxQueued: 1 });
  await request(side.url).post('/api/v1/jobs').set('Idempotency-Key', 'first').send({ name: 'a' });
});

afterAll(() => side.stop());

test('a job beyond the bound of the queue is 503 with Retry-After, and is not kept', async () => {
  const answer = await request(side.url).post('/api/v1/jobs').send({ name: 'b' }).expect(503);
  expect(answer.headers['retry-after']).toBe('10');
  expect(problemSchema.parse(answer.body).detail).toBe('The queue is full (1 waiting); try again later.');
  expect(side.store.countStates().QUEUED).toBe(1);
});

test('the same request with its key is still the same job', async () => {
  const again = request(side.url).post('/api/v1/jobs').set('Idempotency-Key', 'first');
  await again.send({ name: 'a' }).expect(202);
});

test('the form comes back with what was typed', async () => {
  const form = request(side.url).post('/jobs').type('form').set('Accept', 'text/html');
  const { text } = await form.send({ name: 'my long text' }).expect(503);
  expect(text).toContain('The queue is full (1 waiting)');
  expect(text).toContain('value="my long text"');
});
