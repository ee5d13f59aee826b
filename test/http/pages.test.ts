import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
beforeAll(async () => {
  side = await startHttpSide();
});
afterAll(() => side.stop());

const browse = (path: string) => request(side.url).get(path).set('Accept', 'text/html');
const submit = (fields: Record<string, string>, path = '/jobs') =>
  request(side.url).post(path).set('Accept', 'text/html').type('form').send(fields);
const idOf = (location: string | undefined) => location?.replace('/jobs/', '') ?? '';

/** The form as a browser sends it, with every field, most of them empty. */
const emptyForm = {
  name: 'from a form',
  id: '',
  image: '',
  command: '',
  args: '',
  env: '',
  cpu: '',
  memory: '',
  parallelism: '',
  completions: '',
  completionMode: 'NonIndexed',
  backoffLimit: '',
  priority: '',
  restartPolicy: 'Never',
  activeDeadlineSeconds: '',
  ttlSecondsAfterFinished: '',
};

describe('/jobs', () => {
  test('before the first job it says what to do', async () => {
    const { text } = await browse('/jobs').expect(200);
    expect(text).toContain('No jobs yet.');
    expect(text).toContain('action="/jobs"');
  });

  test('/ leads there, and /index is the same page', async () => {
    await browse('/').expect(302).expect('Location', '/jobs');
    const { text } = await browse('/index').expect(200);
    expect(text).toContain('Run a job');
  });

  test('shows state, words and progress of each job, and nothing of it acts', async () => {
    const name = '<img src=x onerror=alert(1)> "quoted"';
    const { id } = await side.submit({ name });
    side.play.created(id);
    side.play.pod(id);
    const status = '\u001b]0;title\u0007\u001b[31mred\u001b[0m <b>bold</b> \u202Eevil';
    side.store.addReport({ 'job-id': id, status, progress: 40 });
    for (const path of ['/jobs', `/jobs/${id}`]) {
      const { text } = await browse(path).expect(200);
      expect(text).toContain('&lt;img src=x onerror=alert(1)&gt; &#34;quoted&#34;');
      expect(text).not.toContain('<img src=x');
      expect(text).toContain('red &lt;b&gt;bold&lt;/b&gt; \uFFFDevil (40 %)');
      for (const character of ['\u001b', '\u0007', '\u202E']) expect(text).not.toContain(character);
      expect(text).toContain('<progress value="40"');
    }
  });

  test('filters by state and text, and says when nothing fits', async () => {
    await side.submit({ name: 'findable' });
    expect((await browse('/jobs?q=findab&state=')).text).toContain('findable');
    expect((await browse('/jobs?q=findab&state=FAILED')).text).toContain('No job fits.');
    await browse('/jobs?state=DONE').expect(400);
  });

  test('says where it searches, and finds a job by what its worker said', async () => {
    const { id } = await side.submit({ name: 'speaker' });
    side.store.addReport({ 'job-id': id, status: 'Counting', message: 'Umlaute gezählt' });
    const { text } = await browse('/jobs?q=GEZÄHLT');
    expect(text).toContain('>speaker<');
    expect(text).toContain('placeholder="Name, report, reason, id"');
  });

  test('pages through older jobs, keeping the filter', async () => {
    for (const n of [1, 2, 3]) await side.submit({ name: `paged-${n}` });
    const first = (await browse('/jobs?q=paged-&limit=2')).text;
    expect(first).toContain('paged-3');
    expect(first).not.toContain('paged-1');
    const older = /href="([^"]+)"[^>]*>Older</.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = (await browse(older)).text;
    expect(second).toContain('paged-1');
    expect(second).not.toContain('paged-3');
    expect(second).toContain('>Newest<');
  });

  test('reloads by itself without JavaScript while a job is unfinished', async () => {
    await side.submit({ name: 'unfinished' });
    expect((await browse('/jobs?q=unfinished')).text).toContain('<noscript><meta http-equiv="refresh"');
    expect((await browse('/jobs?q=no-such-job')).text).not.toContain('http-equiv="refresh"');
  });
});

describe('the form', () => {
  test('runs a job from its name alone and leads to its page', async () => {
    const answer = await submit({ name: 'just a name' }).expect(303);
    const job = side.store.findJob(idOf(answer.headers['location']));
    expect(job).toMatchObject({ name: 'just a name', spec: { image: 'jobspawn-worker', args: [] } });
  });

  test('sent with every field empty it means the defaults', async () => {
    const answer = await submit(emptyForm).expect(303);
    const job = side.store.findJob(idOf(answer.headers['location']));
    expect(job?.spec).toEqual((await side.submit({ name: 'from a form' })).spec);
  });

  test('says all that the API can say', async () => {
    const answer = await submit({
      ...emptyForm,
      id: 'from-a-form',
      image: 'busybox:1',
      command: '/bin/sh\r\n-c',
      args: 'echo "$A b"\r\n\r\nlast\r\n',
      env: 'A=1=2\r\n\r\nB=\r\n',
      cpu: '0.5',
      memory: '64Mi',
      parallelism: '2',
      completions: '3',
      completionMode: 'Indexed',
      backoffLimit: '4',
      restartPolicy: 'OnFailure',
      priority: '-5',
      activeDeadlineSeconds: '60',
      ttlSecondsAfterFinished: '120',
    }).expect(303);
    expect(answer.headers['location']).toBe('/jobs/from-a-form');
    expect(side.store.findJob('from-a-form')?.spec).toEqual({
      image: 'busybox:1',
      command: ['/bin/sh', '-c'],
      args: ['echo "$A b"', '', 'last'],
      env: { A: '1=2', B: '' },
      resources: { cpu: '0.5', memory: '64Mi' },
      parallelism: 2,
      completions: 3,
      completionMode: 'Indexed',
      backoffLimit: 4,
      restartPolicy: 'OnFailure',
      activeDeadlineSeconds: 60,
      ttlSecondsAfterFinished: 120,
      priority: -5,
    });
  });

  test('comes back with what was typed and every fault beside its field', async () => {
    const { text } = await submit({
      ...emptyForm,
      name: ' ',
      image: 'two words',
      args: 'kept "<as is>"',
      env: 'A=1\nnonsense\nA=2',
      backoffLimit: 'x',
    }).expect(400);
    expect(text).toContain('must have at least 1 character<');
    expect(text).toContain('value="two words"');
    expect(text).toContain('kept &#34;&lt;as is&gt;&#34;</textarea>');
    expect(text).toContain('&#34;nonsense&#34; must be NAME=value');
    expect(text).toContain('A must be given once');
    expect(text).toMatch(
      /id="backoffLimit"[^>]*aria-describedby="[^"]*backoffLimit-fault-0"[^>]*aria-invalid="true"/,
    );
    expect(text).toMatch(/<details\s+open/);
  });

  test('with an id that is taken comes back as 409', async () => {
    await side.submit({ id: 'taken', name: 'first' });
    const { text } = await submit({ ...emptyForm, id: 'taken' }).expect(409);
    expect(text).toContain('This id belongs to a job that was requested otherwise.');
    expect(text).toContain('value="taken"');
  });

  test('with a field that it does not have is a fault', async () => {
    const { text } = await submit({ ...emptyForm, shell: 'yes' }).expect(400);
    expect(text).toContain('/shell is not a known field');
  });

  test('answers a program that wants JSON with a problem', async () => {
    const answer = await request(side.url)
      .post('/jobs')
      .set('Accept', 'application/json')
      .type('form')
      .send({ name: '' })
      .expect(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });
});

describe('/jobs/:id', () => {
  test('tells the whole story of a job', async () => {
    const { id } = await side.submit({ name: 'a story', backoffLimit: 1 });
    side.play.created(id);
    side.play.pod(id);
    side.store.addReport({ 'job-id': id, status: 'ERROR', message: 'no such file', result: { rows: 7 } });
    side.play.pod(id, { phase: 'Failed', exitCode: 3, reason: 'Error' });
    side.play.ended(id, 'Failed', { reason: 'BackoffLimitExceeded' });
    const { text } = await browse(`/jobs/${id}`).expect(200);
    for (const part of [
      'data-state="FAILED"',
      'BackoffLimitExceeded',
      'exited with code 3',
      'ERROR – no such file',
      '&#34;rows&#34;: 7',
      side.play.podName(id),
      `data-log="/api/v1/jobs/${id}/logs"`,
      'Run again',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('id="cancel"');
    expect(text).not.toContain('http-equiv="refresh"');
  });

  test.each([
    [1, '1 restart<'],
    [2, '2 restarts<'],
  ])('counts a restarted container %i times', async (restarts, words) => {
    const { id } = await side.submit();
    side.play.created(id);
    side.play.pod(id, { restarts });
    expect((await browse(`/jobs/${id}`)).text).toContain(words);
  });

  test('says once what a worker said again and again, only with more progress', async () => {
    const { id } = await side.submit();
    for (const progress of [10, 20, 30]) side.store.addReport({ 'job-id': id, status: 'Working', progress });
    const { text } = await browse(`/jobs/${id}`).expect(200);
    expect(text).toContain('Working (30 %)');
    expect(text).not.toContain('Working (20 %)');
  });

  test('shows no progress beside the word that the work is over', async () => {
    const { id } = await side.submit({ backoffLimit: 1 });
    side.play.created(id);
    side.play.pod(id);
    side.store.addReport({ 'job-id': id, status: 'ERROR', progress: 10 });
    for (const path of ['/jobs', `/jobs/${id}`]) {
      const { text } = await browse(path).expect(200);
      expect(text).toContain('ERROR');
      expect(text).not.toContain('ERROR (10 %)');
      expect(text).not.toContain('<progress value="10"');
    }
  });

  test('does not say of an attempt that began and ended in the same second that it took no time', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    const second = '2026-01-01T10:00:00Z';
    side.play.pod(id, { phase: 'Succeeded', exitCode: 0, startedAt: second, finishedAt: second });
    const { text } = await browse(`/jobs/${id}`);
    expect(text).toContain('under 1 s');
    expect(text).not.toContain('0 ms');
  });

  test('says once that a job of many completions runs, however many have ended', async () => {
    const { id } = await side.submit({ completions: 10 });
    side.play.created(id);
    side.play.pod(id);
    for (const succeeded of [1, 2, 3]) side.play.tally(id, { succeeded });
    const running = side.store
      .listEvents({ jobId: id, after: 0, limit: 100 })
      .filter(({ kind, state }) => kind === 'state' && state === 'RUNNING');
    expect(running).toHaveLength(4);
    const { text } = await browse(`/jobs/${id}`);
    expect(text.match(/data-kind="state" data-state="RUNNING"/g)).toHaveLength(1);
    expect(text).toContain('3 of 10');
  });

  test('says of a job between two tries that it waits', async () => {
    const { id } = await side.submit({ backoffLimit: 1 });
    side.play.created(id);
    side.play.pod(id);
    expect((await browse(`/jobs/${id}`)).text).toContain('At work.');
    side.play.tally(id, { active: 0, ready: 0, failed: 1 });
    for (const path of ['/jobs', `/jobs/${id}`]) {
      expect((await browse(path)).text).toContain('It waits to be tried again.');
    }
    // There is no further try.
    side.play.tally(id, { active: 0, ready: 0, failed: 2 });
    expect((await browse(`/jobs/${id}`)).text).not.toContain('It waits to be tried again.');
  });

  test('offers to cancel what has not ended, and cancels it', async () => {
    const { id } = await side.submit();
    expect((await browse(`/jobs/${id}`)).text).toContain('id="cancel"');
    await submit({}, `/jobs/${id}/cancel`).expect(303).expect('Location', `/jobs/${id}`);
    expect((await browse(`/jobs/${id}`)).text).toContain('It was cancelled on request.');
  });

  test('shows a cancel that is on its way, and does not offer a second one', async () => {
    const { id } = await side.submit();
    side.play.created(id);
    await submit({}, `/jobs/${id}/cancel`).expect(303);
    const { text } = await browse(`/jobs/${id}`);
    expect(text).toContain('Cancelling');
    expect(text).not.toContain('id="cancel"');
  });

  test('runs it again and leads to the new one', async () => {
    const { id } = await side.submit();
    const answer = await submit({}, `/jobs/${id}/rerun`).expect(303);
    expect(side.store.findJob(idOf(answer.headers['location']))?.rerunOf).toBe(id);
  });

  test('of an unknown job is a page that says so', async () => {
    const { text } = await browse('/jobs/nobody').expect(404);
    expect(text).toContain('There is no such job.');
    expect(text).toContain('href="/jobs"');
  });
});

describe("the original sample's form", () => {
  test('runs a job under an id and a name', async () => {
    await submit({ 'job-id': 'sample-1', 'job-name': 'dummy job' }, '/runajob')
      .expect(303)
      .expect('Location', '/jobs/sample-1');
    expect(side.store.findJob('sample-1')).toMatchObject({ name: 'dummy job', state: 'QUEUED' });
  });

  test('needs no id, but a name', async () => {
    await submit({ 'job-id': '', 'job-name': 'dummy job' }, '/runajob').expect(303);
    const { text } = await submit({ 'job-id': '-', other: 'x' }, '/runajob').expect(400);
    for (const pointer of ['/job-id', '/job-name', '/other']) expect(text).toContain(pointer);
  });
});

describe('probes', () => {
  test('/healthz is ok as long as the process answers', async () => {
    await request(side.url).get('/healthz').expect(200, { status: 'ok' });
  });

  test('/readyz is 503 until the first look at the cluster, then 200 with what is degraded', async () => {
    side.readiness.ready = false;
    const notYet = await request(side.url).get('/readyz').expect(503);
    expect(notYet.body).toMatchObject({ ready: false, degraded: [] });
    Object.assign(side.readiness, { ready: true, degraded: ['The cluster does not answer.'] });
    const later = await request(side.url).get('/readyz').expect(200);
    expect(later.body).toMatchObject({ ready: true, degraded: ['The cluster does not answer.'] });
  });
});
