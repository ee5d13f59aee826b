import { afterEach, expect, test } from '@jest/globals';
import request from 'supertest';
import { neededRules } from '../../src/core/cluster-rights.ts';
import { finding } from '../../src/core/cluster-report.ts';
import type { ClusterReport, Finding } from '../../src/core/cluster-report.ts';
import { AppError } from '../../src/core/app-error.ts';
import { commandLine } from '../../src/core/access.ts';
import { startHttpSide } from './http-side.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
afterEach(() => side.stop());

const [jobs] = neededRules('jobs');
const missing = finding(
  'rights',
  'create jobs.batch',
  'wrong',
  'It may not create jobs.batch.',
  jobs === undefined ? null : { kind: 'rule', rule: jobs },
);

const report = (findings: Finding[], changes: Partial<ClusterReport> = {}): ClusterReport => ({
  at: '2026-01-01T10:00:00.000Z',
  place: { kind: 'in-cluster', namespace: 'jobs', ownNamespace: 'jobspawn' },
  version: 'v1.36.2',
  user: 'system:serviceaccount:jobspawn:jobspawn',
  findings,
  quotas: [],
  manifests: '',
  ...changes,
});

async function show(findings: Finding[], changes: Partial<ClusterReport> = {}): Promise<string> {
  side = await startHttpSide({ checkCluster: async () => report(findings, changes) });
  return (await request(side.url).get('/cluster').set('Accept', 'text/html').expect(200)).text;
}

test('shows each finding, what mends it, and the time of the look', async () => {
  const text = await show([missing, finding('clock', 'Clock', 'ok', 'It agrees.')], {
    manifests: 'kind: Role\n',
    quotas: [{ quota: 'jobs', resource: 'pods', hard: '200', used: '3', left: '197' }],
  });
  expect(text).toContain('One thing is wrong.');
  expect(text).toContain('It may not create jobs.batch.');
  expect(text).toContain('- apiGroups: [batch]');
  expect(text).toContain('kind: Role');
  expect(text).toContain(
    'kubectl -n jobspawn exec deploy/jobspawn -- node src/app/cli.ts doctor --yaml | kubectl apply -f -',
  );
  expect(text).toContain('2026-01-01 10:00:00 UTC');
});

test('says how the work goes and which limits are in force', async () => {
  side = await startHttpSide({
    checkCluster: async () => report([]),
    specPolicy: {
      images: ['ghcr.io/acme/*'],
      requireDigest: true,
      cpu: '4',
      memory: '8Gi',
      parallelism: undefined,
      activeDeadlineSeconds: 60,
      ttlSecondsAfterFinished: undefined,
    },
  });
  side.readiness.degraded.push('Jobs cannot be watched: Forbidden.');
  const { text } = await request(side.url).get('/cluster').expect(200);
  for (const words of ['Jobs cannot be watched: Forbidden.', 'ghcr.io/acme/*', '8Gi', '10 (0 now)'])
    expect(text).toContain(words);
  expect(text).toMatch(/REQUIRE_IMAGE_DIGEST<\/dt>\s*<dd><bdi>yes/);
  expect(text).not.toContain('MAX_PARALLELISM');
});

test('says the worst, and else what is good', async () => {
  const warning = finding('quota', 'Quota', 'warning', 'It is small.');
  expect(await show([warning, warning])).toContain('It works, with 2 warnings.');
  await side.stop();
  const unknown = finding('connection', 'API server', 'unknown', 'It does not answer: ECONNREFUSED.');
  const silent = await show([unknown, warning], { version: null, user: null });
  expect(silent).toContain('One thing could not be asked.');
  expect(silent).toContain('It does not answer: ECONNREFUSED.');
  await side.stop();
  expect(await show([finding('clock', 'Clock', 'ok', 'It agrees.')])).toContain(
    'Everything that is needed is there.',
  );
});

test('what the cluster says is text', async () => {
  const script = '<script>alert(1)</script>\u001b[31m\u202E';
  const text = await show([finding('excess', script, 'wrong', script)], {
    version: script,
    user: script,
    manifests: script,
    quotas: [{ quota: script, resource: script, hard: script, used: script, left: script }],
  });
  expect(text).not.toContain('<script>alert');
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u202E');
});

test('only who may run jobs is offered to try it, with a form that the server takes', async () => {
  side = await startHttpSide({
    auth: { kind: 'token', bootstrapTokenFile: undefined, isHttps: false, oidc: undefined },
    checkCluster: async () => report([]),
  });
  const pageFor = async (role: 'viewer' | 'operator') => {
    const { secret } = side.store.createToken({ name: role, role, by: commandLine });
    const answer = await request(side.url)
      .get('/cluster')
      .set('Authorization', `Bearer ${secret}`)
      .expect(200);
    return { text: answer.text, secret };
  };
  expect((await pageFor('viewer')).text).not.toContain('Try it');
  const { text, secret } = await pageFor('operator');
  const fields = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']): [string, string] => [name, value],
  );
  const { headers } = await request(side.url)
    .post('/jobs')
    .set('Authorization', `Bearer ${secret}`)
    .type('form')
    .send(Object.fromEntries(fields))
    .expect(303);
  expect(side.store.findJob(headers['location']?.replace('/jobs/', '') ?? '')).toMatchObject({
    name: 'try the cluster',
    spec: {
      args: ['simulate', '--duration', '1s', '--error-rate', '0'],
      ttlSecondsAfterFinished: 60,
      priority: 100,
    },
  });
});

test('while the service stops it is 503', async () => {
  side = await startHttpSide({
    checkCluster: () => Promise.reject(new AppError('unavailable', 'The service is stopping.')),
  });
  await request(side.url).get('/cluster').expect(503);
});
