import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { z } from 'zod';
import type { LocalCluster } from '../../src/local-cluster/cluster.ts';
import { startLocalCluster } from '../../src/local-cluster/cluster.ts';
import { until } from '../support/until.ts';
import { findStartTime } from './node-under-test.ts';

const log = pino({ level: 'silent' });
const images = { plain: { entrypoint: [], cmd: [] } };

const toJob = (name: string, script: string, spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    backoffLimit: 0,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'plain', command: ['sh', '-c', script] }],
      },
    },
    ...spec,
  },
});

const readBody = z.looseObject({
  status: z.unknown().optional(),
  items: z
    .array(z.object({ status: z.unknown().optional(), metadata: z.object({ name: z.string() }) }))
    .optional(),
});
type Read = { status: number; body: z.infer<typeof readBody> };

async function call(url: string, path: string, body?: object): Promise<Read> {
  const answer = await fetch(`${url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', 'user-agent': 'test' },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: readBody.parse(await answer.json()) };
}

const jobs = '/apis/batch/v1/namespaces/default/jobs';
const pods = '/api/v1/namespaces/default/pods';

const createJob = (url: string, ...job: Parameters<typeof toJob>) => call(url, jobs, toJob(...job));

const untilJob = (url: string, name: string, condition: string) =>
  until(async () => {
    const { body } = await call(url, `${jobs}/${name}`);
    return JSON.stringify(body.status).includes(`"type":"${condition}","status":"True"`) ? body : undefined;
  });

const logOf = async (url: string, name: string): Promise<string> => {
  const { body } = await call(url, `${pods}?labelSelector=job-name=${name}`);
  const [pod] = body.items ?? [];
  if (!pod) return '';
  const answer = await fetch(`${url}${pods}/${pod.metadata.name}/log`);
  return answer.ok ? answer.text() : '';
};

describe('a local cluster', () => {
  let dataDir: string;
  let cluster: LocalCluster;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
    cluster = await startLocalCluster({ dataDir, images, log });
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('runs a Job from POST to Complete and keeps its log', async () => {
    expect((await createJob(cluster.url, 'hello', 'echo hello')).status).toBe(201);
    const job = await untilJob(cluster.url, 'hello', 'Complete');
    expect(job.status).toMatchObject({ succeeded: 1 });
    expect(await logOf(cluster.url, 'hello')).toBe('hello\n');
  });

  test('has a kubeconfig that works and that nobody else can read', () => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfigPath);
    expect(config.getCurrentContext()).toBe('jobspawn-local');
    expect(config.getCurrentCluster()).toMatchObject({ server: cluster.url, skipTLSVerify: true });
    expect(config.getContextObject('jobspawn-local')?.namespace).toBe('default');
    expect(statSync(cluster.kubeconfigPath).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  test('is found under its secret path alone', async () => {
    const { origin } = new URL(cluster.url);
    expect((await fetch(`${origin}/api`)).status).toBe(404);
    expect((await fetch(`${origin}/${'0'.repeat(32)}/api`)).status).toBe(404);
    expect((await fetch(`${cluster.url}/api`)).status).toBe(200);
  });

  test('refuses a second one on the same directory in one sentence', async () => {
    const fault = `another local cluster is running on the data directory ${dataDir}`;
    await expect(startLocalCluster({ dataDir, images, log })).rejects.toThrow(fault);
    expect((await call(cluster.url, '/version')).status).toBe(200);
  });

  test('refuses a port that is taken', async () => {
    const other = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
    const port = Number(new URL(cluster.url).port);
    await expect(startLocalCluster({ dataDir: other, port, images, log })).rejects.toThrow(
      `port ${port} is in use`,
    );
    rmSync(other, { recursive: true });
  });

  test('refuses a directory with files of somebody else, and leaves it as it is', async () => {
    const other = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
    mkdirSync(join(other, 'photos'), { mode: 0o755 });
    const mode = statSync(other).mode;
    await expect(startLocalCluster({ dataDir: other, images, log })).rejects.toThrow('holds other files');
    expect(statSync(other).mode).toBe(mode);
    rmSync(other, { recursive: true });
  });
});

describe('npm run local-cluster', () => {
  const program = resolve(import.meta.dirname, '../../src/local-cluster/main.ts');
  const running: ChildProcess[] = [];
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'jobspawn-cluster-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));
  afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

  function start(...flags: string[]) {
    const child = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
    const exit = new Promise<number | null>((done) => child.once('exit', done));
    return { child, output, exit };
  }

  async function startCluster(...flags: string[]) {
    const started = start('--port', '0', '--data', dataDir, '--worker-image', 'plain', ...flags);
    const kubeconfig = await until(() => /^(.+)\nexport KUBECONFIG=/.exec(started.output.stdout)?.[1]);
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    return { ...started, kubeconfig, url: config.getCurrentCluster()?.server ?? '' };
  }

  test('prints its kubeconfig, and ends cleanly on SIGTERM with what it runs', async () => {
    const { child, output, exit, kubeconfig, url } = await startCluster();
    expect(kubeconfig).toBe(join(dataDir, 'kubeconfig'));
    expect(output.stdout).toContain(`export KUBECONFIG=${kubeconfig}`);
    await createJob(url, 'long', 'echo $$$$; exec sleep 60');
    const pid = Number(await until(() => logOf(url, 'long').then((text) => text.trim())));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(findStartTime(pid)).toBeUndefined();
  });

  test('that is killed and started again has lost nothing, kills what was left running, and retries it', async () => {
    const first = await startCluster();
    await createJob(first.url, 'done', 'echo done');
    await untilJob(first.url, 'done', 'Complete');
    const retried = 'if mkdir ../../once 2>/dev/null; then echo $$$$; exec sleep 60; fi; echo again';
    await createJob(first.url, 'long', retried, { backoffLimit: 1 });
    const pid = Number(await until(() => logOf(first.url, 'long').then((text) => text.trim())));
    first.child.kill('SIGKILL');
    await first.exit;
    expect(findStartTime(pid)).toBeDefined();

    const second = await startCluster();
    expect(findStartTime(pid)).toBeUndefined();
    expect(new URL(second.url).pathname).toBe(new URL(first.url).pathname);
    expect(await logOf(second.url, 'done')).toBe('done\n');
    const [line = ''] = second.output.stderr.split('\n');
    expect(JSON.parse(line)).toEqual({
      level: 40,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      pods: 1,
      msg: 'pods of an earlier local cluster were ended',
    });
    await until(async () => {
      const { body } = await call(second.url, `${jobs}/long`);
      return JSON.stringify(body.status).includes('"failed":1');
    });
    const { body } = await call(second.url, `${pods}?labelSelector=job-name=long`);
    expect(JSON.stringify(body.items?.[0]?.status)).toContain('"reason":"ContainerStatusUnknown"');
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
  });

  test.each([
    [['--prt', '1'], "Unknown option '--prt' (--help lists the flags)"],
    [['--port', 'many'], '--port must be 0 to 65535, not many'],
    [['--port', '65536'], '--port must be 0 to 65535, not 65536'],
    [['--data', '/dev/null/x'], 'the data directory /dev/null/x cannot be used: ENOTDIR'],
    [['--data', '/proc/x/y'], 'the data directory /proc/x/y cannot be used: ENOENT'],
  ])('with %j says what is wrong and exits with 78', async (flags, why) => {
    const { output, exit } = start(...flags);
    expect(await exit).toBe(78);
    expect(output.stderr.trim().split('\n').at(-1)).toBe(`local cluster: ${why}`);
  });

  test('says in one sentence that its directory is in use', async () => {
    const { child, exit } = await startCluster();
    const second = start('--port', '0', '--data', dataDir);
    expect(await second.exit).toBe(78);
    expect(second.output.stderr).toContain(
      `local cluster: another local cluster is running on the data directory ${dataDir}`,
    );
    child.kill('SIGTERM');
    await exit;
  });
});
