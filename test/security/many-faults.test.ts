import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { jobRequestSchema, jobSpecSchema } from '../../src/core/job-request.ts';
import { problemSchema } from '../../src/handlers/problem.ts';
import { startHttpSide } from '../http/http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

const enough = 64 * 1024;

/** An object with so many fields, as short as can be. */
const fields = (count: number, first = '') =>
  Object.fromEntries(Array.from({ length: count }, (_, nth) => [first + nth.toString(36), 1]));

async function refusalOf(path: string, body: object) {
  const { text } = await request(side.url).post(path).send(body).expect(400);
  expect(text.length).toBeLessThan(enough);
  return problemSchema.parse(JSON.parse(text));
}

describe('a request with thousands of faults', () => {
  test('is told the first hundred of its unknown fields, and how many there are', async () => {
    const known = { '/api/v1/jobs': { name: 'x' }, '/status': { 'job-id': 'x', status: 'x' } };
    for (const [path, body] of Object.entries(known)) {
      const { detail, errors } = await refusalOf(path, { ...body, ...fields(10_000, 'no-') });
      expect(errors).toHaveLength(100);
      expect(detail).toMatch(/ has 10000 faults, of which the first 100 are told\.$/);
    }
  });

  test('is told no more for having faults in its query and headers as well', async () => {
    const { detail, errors } = await refusalOf('/api/v1/jobs?colour=red', fields(200, 'no-'));
    expect(errors?.[0]?.pointer).toBe('?colour');
    expect(errors).toHaveLength(100);
    expect(detail).toBe('The request has 202 faults, of which the first 100 are told.');
  });

  test('has but one fault for all its variables, however wrong they are', async () => {
    for (const env of [fields(90_000), fields(90_000, '!')]) {
      const { errors } = await refusalOf('/api/v1/jobs', { name: 'x', env });
      expect(errors).toEqual([{ pointer: '/env', detail: 'must have at most 1000 entries' }]);
    }
  });

  test.each(['text/html', 'application/json'])('is answered briefly when it is a form (%s)', async (type) => {
    const typed = 'a\n'.repeat(500_000);
    const { text } = await request(side.url)
      .post('/jobs')
      .set('Accept', type)
      .type('form')
      .send(`name=kept&env=${typed}`)
      .expect(400);
    expect(text.split('must have at most 1000 entries')).toHaveLength(2);
    const isPage = type === 'text/html';
    expect(text.includes('value="kept"')).toBe(isPage);
    expect(text.includes(`${typed}</textarea>`)).toBe(isPage);
    expect(text.length).toBeLessThan(enough + (isPage ? typed.length : 0));
  });
});

test('a thousand variables are taken, in a form among empty lines as well', async () => {
  const env = Object.fromEntries(Array.from({ length: 1000 }, (_, nth) => [`V${nth}`, '']));
  expect(jobRequestSchema.parse({ name: 'x', env }).env).toEqual(env);
  const lines = Object.keys(env).map((name) => `${name}=`);
  const form = { name: 'x', id: 'many-variables', env: lines.join('\n\n\n') };
  await request(side.url).post('/jobs').type('form').send(form).expect(303);
  expect(side.store.findJob('many-variables')?.spec.env).toEqual(env);
});

test('a spec that was kept with more variables than are taken now can be read', () => {
  const env = Object.fromEntries(Array.from({ length: 1001 }, (_, nth) => [`V${nth}`, '']));
  expect(() => jobRequestSchema.parse({ name: 'x', env })).toThrow('1000 entries');
  expect(jobSpecSchema.parse({ image: 'worker', env }).env).toEqual(env);
});
