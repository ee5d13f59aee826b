import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { startReportServer } from './report-server.ts';
import { environmentFor, runWorker, startWorker } from './worker-process.ts';

const servers: Awaited<ReturnType<typeof startReportServer>>[] = [];

async function setup() {
  const server = await startReportServer();
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('simulate', () => {
  test('reports its start, its progress and SUCCESS, each with the identity of the pod and the token', async () => {
    const server = await setup();
    const { code, stdout, stderr } = await runWorker(
      ['simulate', '--duration', '800ms', '--error-rate', '0'],
      environmentFor(server.url),
    );

    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout.toString()).toMatch(
      /^Start Processing: 800ms, error rate 0\nProcessing\.\.\. 10 %\n[^]*\nSUCCESS\n$/,
    );
    expect(server.statuses().at(0)).toBe('Start Processing');
    expect(server.statuses().at(-1)).toBe('SUCCESS');
    const between = server.received.slice(1, -1).map(({ report }) => report);
    expect(between.length).toBeGreaterThan(0);
    for (const { status, progress } of between) {
      expect(status).toBe('Processing...');
      expect(progress).toBeGreaterThan(0);
      expect(progress).toBeLessThan(100);
    }
    for (const { path, headers, report } of server.received) {
      expect(path).toBe('/status');
      expect(headers.authorization).toBe('Bearer secret-token-123');
      expect(report).toMatchObject({
        'job-id': 'nightly-1',
        task: 2,
        'pod-uid': '0b0bb0a6-7a44-4c4c-9a55-0a8c1a3f9d10',
      });
      expect(report).not.toHaveProperty('attempt');
    }
  });

  test('is what the flags of the sample mean without a subcommand, and they win over the environment', async () => {
    const [server, other] = await Promise.all([setup(), setup()]);
    const flags = ['--api-end-point', `${server.url}/updatejobstatus`, '--job-id', 'sample-7'];
    const { code } = await runWorker([...flags, '--duration', '0s', '--error-rate', '0'], {
      ...environmentFor(other.url),
      CLOUD_RUN_TASK_ATTEMPT: '4',
    });

    expect(code).toBe(0);
    expect(other.received).toEqual([]);
    expect(server.statuses()).toEqual(expect.arrayContaining(['Start Processing', 'SUCCESS']));
    expect(server.received[0]).toMatchObject({
      path: '/updatejobstatus',
      report: { 'job-id': 'sample-7', attempt: 4 },
    });
  });

  test('gives an address without a path the path /status', async () => {
    const server = await setup();
    await runWorker([
      '--api-end-point',
      server.url,
      '--job-id',
      'a',
      '--duration',
      '0s',
      '--error-rate',
      '0',
    ]);
    expect(server.received[0]).toMatchObject({ path: '/status', report: { 'job-id': 'a' } });
    expect(server.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test('with an error rate of 1 reports ERROR and exits 1', async () => {
    const server = await setup();
    const { code } = await runWorker(
      ['simulate', '--duration', '0s', '--error-rate', '1'],
      environmentFor(server.url),
    );
    expect(code).toBe(1);
    expect(server.received.at(-1)?.report).toMatchObject({
      status: 'ERROR',
      message: 'Simulated failure (error rate 1).',
    });
  });

  test.each([
    ['nothing', {}],
    ['a job id alone', { JOBSPAWN_JOB_ID: 'a' }],
    ['an address that is none', { JOBSPAWN_JOB_ID: 'a', JOBSPAWN_STATUS_URL: 'jobspawn:8080/status' }],
  ])('with %s to report to it works all the same, and says so once', async (_, env) => {
    const { code, stderr } = await runWorker(['--duration', '0s', '--error-rate', '0'], env);
    expect(code).toBe(0);
    expect(stderr).toBe(
      'job-worker: There is no address or no job id to report to, so this run reports nowhere.\n',
    );
  });

  test('ends with ERROR and 143 on SIGTERM', async () => {
    const server = await setup();
    const worker = startWorker(['--duration', '1h', '--error-rate', '0'], environmentFor(server.url));
    await until(() => server.received.length > 0);
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(143);
    expect(server.received.at(-1)?.report).toMatchObject({ status: 'ERROR', message: 'Stopped by SIGTERM.' });
  });
});
