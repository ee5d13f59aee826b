import { afterAll, beforeAll, expect, test } from '@jest/globals';
import request from 'supertest';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import { commandLine } from '../../src/core/access.ts';
import { anySpec } from '../support/any-spec.ts';
import { startTestApp } from '../support/running-app.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide({
    specPolicy: { ...anySpec, images: ['jobspawn-worker', 'ghcr.io/acme/*'], memory: '1Gi' },
  });
});
afterAll(() => side.stop());

const faults = [
  { pointer: '/image', detail: 'must be an allowed image: jobspawn-worker, ghcr.io/acme/*' },
  { pointer: '/resources/memory', detail: 'must be at most 1Gi' },
];

test('a request beyond what is allowed is 400, with a fault for each field', async () => {
  const body = { name: 'a', image: 'evil.example/miner', resources: { memory: '2Gi' } };
  const answer = await request(side.url).post('/api/v1/jobs').send(body).expect(400);
  expect(answer.body).toMatchObject({ status: 400, errors: faults });
  await request(side.url).post('/api/v1/jobs').send({ name: 'a', image: 'ghcr.io/acme/x:1' }).expect(202);
});

test('the form comes back with what was typed, and each fault stands beside its field', async () => {
  const { text } = await request(side.url)
    .post('/jobs')
    .set('Accept', 'text/html')
    .type('form')
    .send({ name: 'kept', image: 'evil.example/miner', memory: '2Gi' })
    .expect(400);
  expect(text).toContain('value="kept"');
  expect(text).toMatch(/id="image-fault-0">must be an allowed image/);
  expect(text).toMatch(/id="memory-fault-0">must be at most 1Gi/);
  expect(text).toContain('<details open>');
});

test('a job that is no longer allowed cannot be run again, from program or page', async () => {
  const wide = jobRequestSchema.parse({
    name: 'old',
    id: 'old',
    image: 'old:1',
    resources: { memory: '2Gi' },
  });
  await side.openIntake.accept(wide, { idempotencyKey: null, by: commandLine });
  const answer = await request(side.url).post('/api/v1/jobs/old/rerun').expect(400);
  expect(answer.body).toMatchObject({ errors: faults });
  const { text } = await request(side.url).post('/jobs/old/rerun').set('Accept', 'text/html').expect(400);
  expect(text).toContain('must be at most 1Gi');
});

test('the service as a whole holds jobs to what its variables say', async () => {
  const app = await startTestApp({ ALLOWED_IMAGES: 'jobspawn-worker', MAX_PARALLELISM: '2' });
  try {
    await expect(app.submit({ name: 'a', image: 'other' })).rejects.toThrow(/^400: .*\/image/);
    await expect(app.submit({ name: 'a', parallelism: 3 })).rejects.toThrow(/^400: .*must be at most 2/);
    expect(await app.submit({ name: 'a', parallelism: 2, completions: 2 })).toMatchObject({ name: 'a' });
  } finally {
    await app.stop();
  }
});
