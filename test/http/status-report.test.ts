import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { problemSchema } from '../../src/handlers/problem.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

async function running() {
  const { id } = await side.submit();
  side.play.created(id);
  side.play.pod(id);
  const token = side.tokens.issue(id);
  return { id, token, statusUrl: `/status?job-id=${id}&token=${token}` };
}

describe.each(['/status', '/updatejobstatus'])('POST %s', (path) => {
  test('takes JSON with a bearer token', async () => {
    const { id, token } = await running();
    const answer = await request(side.url)
      .post(path)
      .auth(token, { type: 'bearer' })
      .send({ 'job-id': id, status: 'Processing...', progress: 40, result: { rows: 3 } })
      .expect(200);
    expect(answer.body).toEqual({ 'job-id': id, status: 'Processing...' });
    expect(side.store.findJob(id)).toMatchObject({
      state: 'RUNNING',
      report: { status: 'Processing...', progress: 40 },
      result: { rows: 3 },
    });
  });

  test('takes a form', async () => {
    const { id, token } = await running();
    await request(side.url)
      .post(`${path}?token=${token}`)
      .type('form')
      .send({ 'job-id': id, status: 'working', progress: '12.5', message: '', result: 'done' })
      .expect(200);
    expect(side.store.findJob(id)).toMatchObject({
      report: { progress: 12.5, message: null },
      result: 'done',
    });
  });
});

describe('POST /status', () => {
  test('needs nothing but a status where the URL has the rest, as curl -d status=SUCCESS sends it', async () => {
    const { id, statusUrl } = await running();
    await request(side.url).post(statusUrl).type('form').send('status=SUCCESS').expect(200);
    expect(side.store.findJob(id)?.reports.map(({ status }) => status)).toEqual(['SUCCESS']);
  });

  test('a wrong token, none, the token of another job and an unknown job get one and the same 401', async () => {
    const { id, token } = await running();
    const other = await running();
    const tries = [
      { 'job-id': id, token: 'wrong' },
      { 'job-id': id },
      { 'job-id': other.id, token },
      { 'job-id': 'nobody', token },
      { 'job-id': 'nobody', token: side.tokens.issue('nobody') },
    ];
    const answers = [];
    for (const query of tries) {
      answers.push(
        await request(side.url).post('/status').query(query).send({ status: 'SUCCESS' }).expect(401),
      );
    }
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.headers['www-authenticate']).toBe('Bearer');
    expect(side.store.findJob(id)?.reports).toEqual([]);
  });

  test('malformed is 400 even without a token, with all faults at once', async () => {
    const answer = await request(side.url)
      .post('/status')
      .send({ 'job-id': 'x', status: '', progress: 101, colour: 'red' })
      .expect(400);
    expect(
      problemSchema
        .parse(answer.body)
        .errors?.map(({ pointer }) => pointer)
        .toSorted(),
    ).toEqual(['/colour', '/progress', '/status']);
  });

  test('refuses a body that names another job than the query', async () => {
    const { statusUrl } = await running();
    const other = await running();
    const answer = await request(side.url)
      .post(statusUrl)
      .send({ 'job-id': other.id, status: 'SUCCESS' })
      .expect(400);
    expect(problemSchema.parse(answer.body).errors).toEqual([
      { pointer: '/job-id', detail: 'differs from ?job-id' },
    ]);
  });

  test('refuses a field that is given twice', async () => {
    const { statusUrl } = await running();
    await request(side.url).post(statusUrl).type('form').send('status=a&status=b').expect(400);
    await request(side.url).post(statusUrl).type('form').send('status=a&result=1&result=2').expect(400);
  });

  test('names the field that is given twice beside every other fault', async () => {
    const { statusUrl } = await running();
    const form = request(side.url).post(statusUrl).type('form');
    const answer = await form.send('status=a&status=b&colour=red&progress=101').expect(400);
    const named = problemSchema.parse(answer.body).errors?.map(({ pointer }) => pointer);
    expect(named?.toSorted()).toEqual(['/colour', '/progress', '/status']);
  });

  test('after the end a report that agrees is 200, and one that contradicts 409', async () => {
    const { id, statusUrl } = await running();
    side.play.pod(id, { phase: 'Succeeded', exitCode: 0 });
    side.play.ended(id, 'Complete');
    await request(side.url).post(statusUrl).send({ status: 'Done' }).expect(200);
    await request(side.url).post(statusUrl).send({ status: 'ERROR' }).expect(409);
    expect(side.store.findJob(id)).toMatchObject({ state: 'SUCCEEDED', discrepancy: expect.any(String) });
  });

  test('while one pod holds the claim on a task, another one gets 409', async () => {
    const { statusUrl } = await running();
    const report = { status: 'Start Processing', task: 0 };
    await request(side.url)
      .post(statusUrl)
      .send({ ...report, 'pod-uid': 'first' })
      .expect(200);
    const answer = await request(side.url)
      .post(statusUrl)
      .send({ ...report, 'pod-uid': 'second' })
      .expect(409);
    expect(problemSchema.parse(answer.body).detail).toContain('claim');
  });

  test('a retry whose forerunner ended unseen is let in after a fresh look', async () => {
    const { id, statusUrl } = await running();
    const claim = (podUid: string) =>
      request(side.url).post(statusUrl).send({ status: 'Start Processing', 'pod-uid': podUid });
    side.play.pod(id);
    const first = side.store.findJob(id)?.tasks[0]?.attempts[0]?.podUid ?? '';
    await claim(first).expect(200);
    side.freshLook.show = () => side.play.pod(id, { phase: 'Failed', exitCode: 137, reason: 'OOMKilled' });
    await claim('second').expect(200);
  });

  test('without a fresh look a retry is told to come again, not to go home', async () => {
    const { statusUrl } = await running();
    const claim = (podUid: string) =>
      request(side.url).post(statusUrl).send({ status: 'Start Processing', 'pod-uid': podUid });
    await claim('first').expect(200);
    side.freshLook.works = false;
    await claim('second').expect(503);
  });

  test('a task that the job does not have is a fault, and nothing is kept', async () => {
    const { id, statusUrl } = await running();
    await request(side.url).post(statusUrl).send({ status: 'x', task: 99 }).expect(400);
    expect(side.store.findJob(id)?.reports).toEqual([]);
  });

  test('takes no more than 128 KiB', async () => {
    const { statusUrl } = await running();
    await request(side.url)
      .post(statusUrl)
      .send({ status: 'x', message: 'y'.repeat(128 * 1024) })
      .expect(413);
  });

  test('the token stands in no log line', async () => {
    const { token, statusUrl } = await running();
    side.lines.length = 0;
    await request(side.url).post(statusUrl).send({ status: 'x' }).expect(200);
    await request(side.url).post(statusUrl).send({ status: '' }).expect(400);
    expect(side.lines.filter((line) => line.includes('/status')).length).toBeGreaterThan(0);
    expect(side.lines.join('\n')).not.toContain(token);
  });
});
