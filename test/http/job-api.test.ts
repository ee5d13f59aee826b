import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { commandLine } from '../../src/core/access.ts';
import { jobPageSchema, jobSchema } from '../../src/core/job.ts';
import { problemSchema } from '../../src/handlers/problem.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

const post = (body: object, headers: Record<string, string> = {}) =>
  request(side.url).post('/api/v1/jobs').set(headers).send(body);

test('null is a body, and no request', async () => {
  const { id } = await side.submit();
  const cancel = request(side.url).post(`/api/v1/jobs/${id}/cancel`).type('json');
  await cancel.send('null').expect(400);
  expect(side.store.findJob(id)?.state).toBe('QUEUED');
});

describe('POST /api/v1/jobs', () => {
  test('accepts a name alone: 202, the job with every default filled in, and its Location', async () => {
    const answer = await post({ name: 'nightly-report' }).expect(202);
    const job = jobSchema.strict().parse(answer.body);
    expect(answer.headers['location']).toBe(`/api/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ name: 'nightly-report', state: 'QUEUED', template: null, result: null });
    expect(job.spec).toMatchObject({
      image: 'jobspawn-worker',
      parallelism: 1,
      ttlSecondsAfterFinished: 3600,
    });
    const again = await request(side.url).get(`/api/v1/jobs/${job.id}`).expect(200);
    expect(again.body).toEqual(answer.body);
  });

  test('lists all faults at once, each with its pointer', async () => {
    const answer = await post({
      name: '',
      args: ['fine', 7],
      env: { 'no spaces': 'x', JOBSPAWN_TOKEN: 'mine' },
      resources: { cpu: 'lots', gpu: 1 },
      backoffLimit: -1,
      completionMode: 'Sorted',
      shell: true,
    }).expect(400);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    const problem = problemSchema.parse(answer.body);
    expect(problem).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 });
    expect(problem.errors).toEqual(
      expect.arrayContaining([
        { pointer: '/name', detail: 'must have at least 1 character' },
        { pointer: '/args/1', detail: 'must be a string' },
        { pointer: '/env/no spaces', detail: expect.stringContaining('variable name') },
        { pointer: '/env/JOBSPAWN_TOKEN', detail: 'is set by Jobspawn itself' },
        { pointer: '/resources/gpu', detail: 'is not a known field' },
        { pointer: '/backoffLimit', detail: 'must be at least 0' },
        { pointer: '/completionMode', detail: 'must be one of "NonIndexed", "Indexed"' },
        { pointer: '/shell', detail: 'is not a known field' },
      ]),
    );
    expect(problem.detail).toBe(`The request has ${problem.errors?.length} faults.`);
  });

  test('takes __proto__ and constructor for the unknown fields that they are', async () => {
    const answer = await request(side.url)
      .post('/api/v1/jobs')
      .type('json')
      .send('{"name":"x","__proto__":{"polluted":true},"constructor":1}')
      .expect(400);
    const { errors } = problemSchema.parse(answer.body);
    expect(errors?.map(({ pointer }) => pointer)).toEqual(['/__proto__', '/constructor']);
    expect('polluted' in {}).toBe(false);
  });

  test('gives the same job for the same Idempotency-Key, and 409 when the body differs', async () => {
    const key = { 'Idempotency-Key': 'abc-1' };
    const first = jobSchema.parse((await post({ name: 'once' }, key).expect(202)).body);
    const second = jobSchema.parse((await post({ name: 'once' }, key).expect(202)).body);
    expect(second.id).toBe(first.id);
    const answer = await post({ name: 'twice' }, key).expect(409);
    expect(problemSchema.parse(answer.body).detail).toContain('Idempotency-Key');
  });

  test('gives the same job for the same id, and 409 when the body differs', async () => {
    await post({ id: 'mine-1', name: 'once' }).expect(202);
    const again = await post({ name: 'once', id: 'mine-1' }).expect(202);
    expect(again.headers['location']).toBe('/api/v1/jobs/mine-1');
    await post({ id: 'mine-1', name: 'other' }).expect(409);
  });

  test('refuses a faulty Idempotency-Key together with the faults of the body', async () => {
    const answer = await post({ name: 5 }, { 'Idempotency-Key': 'a b' }).expect(400);
    expect(problemSchema.parse(answer.body).errors?.map(({ pointer }) => pointer)).toEqual([
      'header Idempotency-Key',
      '/name',
    ]);
  });

  test.each([
    ['no body at all', '', 'application/json', 400],
    ['a list', '[]', 'application/json', 400],
    ['null', 'null', 'application/json', 400],
    ['broken JSON', '{"name":', 'application/json', 400],
    ['another content type', 'name=x', 'application/x-www-form-urlencoded', 415],
    ['another charset', '{"name":"x"}', 'application/json; charset=latin1', 415],
    [
      'more than 1 MiB',
      JSON.stringify({ name: 'x', args: ['a'.repeat(1024 * 1024)] }),
      'application/json',
      413,
    ],
  ])('refuses %s as %4$i', async (_what, body, type, status) => {
    const answer = await request(side.url).post('/api/v1/jobs').set('Content-Type', type).send(body);
    expect(answer.status).toBe(status);
    expect(problemSchema.parse(answer.body).status).toBe(status);
  });
});

describe('GET /api/v1/jobs', () => {
  test('lists newest first, page by page, without overlap', async () => {
    for (const n of [1, 2, 3, 4, 5]) await side.submit({ name: `paged ${n}` });
    const names: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const answer = await request(side.url).get('/api/v1/jobs').query({ q: 'paged', limit: 2, cursor });
      const page = jobPageSchema.parse(answer.body);
      names.push(...page.jobs.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect(names).toEqual(['paged 5', 'paged 4', 'paged 3', 'paged 2', 'paged 1']);
  });

  test('filters by state and exact name', async () => {
    const { id } = await side.submit({ name: 'to be filtered' });
    await side.intake.cancel(id, { by: commandLine });
    const find = async (query: object) =>
      jobPageSchema
        .parse((await request(side.url).get('/api/v1/jobs').query(query)).body)
        .jobs.map((job) => job.id);
    expect(await find({ state: 'CANCELLED', name: 'to be filtered' })).toEqual([id]);
    expect(await find({ state: 'QUEUED', name: 'to be filtered' })).toEqual([]);
    expect(await find({ name: 'to be' })).toEqual([]);
  });

  test('refuses unknown, doubled and malformed query parameters, each named', async () => {
    const answer = await request(side.url)
      .get('/api/v1/jobs?state=DONE&limit=many&q=a&q=b&order=asc&cursor=nonsense')
      .expect(400);
    const { errors } = problemSchema.parse(answer.body);
    expect(errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
      '?cursor',
      '?limit',
      '?order',
      '?q',
      '?state',
    ]);
  });
});

describe('cancel and rerun', () => {
  test('cancel of a queued job is done at once, and once more is no fault', async () => {
    const { id } = await side.submit();
    for (const _ of [1, 2]) {
      const answer = await request(side.url).post(`/api/v1/jobs/${id}/cancel`).expect(202);
      expect(jobSchema.parse(answer.body).state).toBe('CANCELLED');
    }
  });

  test('cancel of a job in the cluster is noted, and of an ended one is 409', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    const answer = await request(side.url).post(`/api/v1/jobs/${id}/cancel`).send({}).expect(202);
    expect(jobSchema.parse(answer.body)).toMatchObject({
      state: 'CREATED',
      cancelRequestedAt: expect.any(String),
    });
    side.play.pod(id, { phase: 'Succeeded', exitCode: 0 });
    side.play.ended(id, 'Complete');
    await request(side.url).post(`/api/v1/jobs/${id}/cancel`).expect(409);
  });

  test('rerun makes a new job that names the old one', async () => {
    const old = await side.submit({ id: 'old-one', args: ['simulate'] });
    const answer = await request(side.url).post('/api/v1/jobs/old-one/rerun').expect(202);
    const job = jobSchema.parse(answer.body);
    expect(job).toMatchObject({ rerunOf: 'old-one', name: old.name, spec: old.spec, state: 'QUEUED' });
    expect(answer.headers['location']).toBe(`/api/v1/jobs/${job.id}`);
    expect(job.id).not.toBe('old-one');
  });

  test('a rerun that is repeated with its key is one job, and with the key of another request 409', async () => {
    await side.submit({ id: 'to-repeat' });
    await side.submit({ id: 'not-to-repeat' });
    const rerun = (id: string, key: string) =>
      request(side.url).post(`/api/v1/jobs/${id}/rerun`).set('Idempotency-Key', key);
    const ids = new Set<string>();
    for (const _ of [1, 2])
      ids.add(jobSchema.parse((await rerun('to-repeat', 'rerun-key').expect(202)).body).id);
    expect(ids.size).toBe(1);
    await rerun('not-to-repeat', 'rerun-key').expect(409);
    await request(side.url)
      .post('/api/v1/jobs')
      .set('Idempotency-Key', 'rerun-key')
      .send({ name: 'new' })
      .expect(409);
    await rerun('to-repeat', 'a rerun key').expect(400);
  });

  test('a body with fields is a fault, since it would change nothing', async () => {
    const { id } = await side.submit();
    const answer = await request(side.url)
      .post(`/api/v1/jobs/${id}/cancel`)
      .send({ force: true })
      .expect(400);
    expect(problemSchema.parse(answer.body).errors).toEqual([
      { pointer: '/force', detail: 'is not a known field' },
    ]);
  });
});

describe('unknown jobs, paths and methods', () => {
  test.each(['', '/events', '/logs'])('GET of an unknown job%s is 404', async (rest) => {
    const answer = await request(side.url).get(`/api/v1/jobs/nobody${rest}`).expect(404);
    expect(problemSchema.parse(answer.body).title).toBe('Not Found');
  });

  test.each(['cancel', 'rerun'])('%s of an unknown job is 404', async (verb) => {
    await request(side.url).post(`/api/v1/jobs/nobody/${verb}`).expect(404);
  });

  test('a path that cannot be decoded is 400', async () => {
    const answer = await request(side.url).get('/api/v1/jobs/%E0%A4%A').expect(400);
    expect(problemSchema.parse(answer.body).status).toBe(400);
  });

  test('an unknown path is a problem for programs and a page for browsers, but never a page under /api', async () => {
    const program = await request(side.url).get('/nothing').expect(404);
    expect(problemSchema.parse(program.body).status).toBe(404);
    const browser = await request(side.url).get('/nothing').set('Accept', 'text/html').expect(404);
    expect(browser.text).toContain('<!doctype html>');
    const api = await request(side.url).get('/api/v1/nothing').set('Accept', 'text/html').expect(404);
    expect(problemSchema.parse(api.body).status).toBe(404);
  });

  test('a wrong method is 405 and says which are right; OPTIONS says it as well', async () => {
    const wrong = await request(side.url).delete('/api/v1/jobs').expect(405);
    expect(wrong.headers['allow']).toBe('POST, GET, HEAD, OPTIONS');
    expect(problemSchema.parse(wrong.body).status).toBe(405);
    const options = await request(side.url).options('/status').expect(204);
    expect(options.headers['allow']).toBe('POST, OPTIONS');
  });

  test('an error of our own says nothing of our insides, and is logged', async () => {
    side.lines.length = 0;
    const listJobs = side.store.listJobs;
    side.store.listJobs = () => {
      throw new Error('secret detail');
    };
    const answer = await request(side.url).get('/api/v1/jobs').expect(500);
    side.store.listJobs = listJobs;
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(side.lines.some((line) => line.includes('secret detail') && line.includes('"level":50'))).toBe(
      true,
    );
  });
});
