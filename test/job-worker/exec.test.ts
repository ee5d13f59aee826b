import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/job-worker/command.ts';
import { until } from '../support/until.ts';
import { startReportServer } from './report-server.ts';
import { environmentFor, runWorker, startWorker } from './worker-process.ts';

let folder: string;
const servers: Awaited<ReturnType<typeof startReportServer>>[] = [];

async function setup() {
  const server = await startReportServer();
  servers.push(server);
  return server;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-worker-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
afterAll(() => rm(folder, { recursive: true }));

function exec(script: string, ...args: string[]): string[] {
  return ['exec', ...args, '--', 'sh', '-c', script];
}

/** A script that gives a result of `length` characters between quotes. */
function printResult(length: number): string {
  return `printf 'JOBSPAWN_RESULT "%0${length}d"\\n' 0`;
}

describe('exec', () => {
  test('passes the output through byte for byte', async () => {
    const bytes = randomBytes(300_000);
    const path = join(folder, 'bytes');
    await writeFile(path, bytes);
    const { code, stdout, stderr } = await runWorker(['exec', '--', 'cat', path]);
    expect(code).toBe(0);
    expect(stdout.equals(bytes)).toBe(true);
    expect(stderr).toContain('reports nowhere');
  });

  test('reports marked lines as progress and result, and passes them through as well', async () => {
    const server = await setup();
    const said = ['JOBSPAWN_PROGRESS 40 halfway, nearly', 'other', 'JOBSPAWN_RESULT {"rows":[1,2]}'];
    const script = `printf '%s\\n' '${said[0]}'; sleep 0.3; printf '%s\\n' '${said[1]}' '${said[2]}'`;
    const { code, stdout } = await runWorker(exec(script), environmentFor(server.url));

    expect(code).toBe(0);
    expect(stdout.toString()).toBe(`${said.join('\n')}\n`);
    expect(server.statuses()).toEqual(['Start Processing', 'Processing...', 'SUCCESS']);
    expect(server.received[1]?.report).toMatchObject({ progress: 40, message: 'halfway, nearly' });
    expect(server.received[2]?.report).toMatchObject({ progress: 40, result: { rows: [1, 2] } });
  });

  test('leaves out a result of more than 64 KiB and takes one of exactly that', async () => {
    const server = await setup();
    const tooBig = await runWorker(exec(printResult(64 * 1024 - 1)), environmentFor(server.url));
    expect(tooBig.stderr).toBe('job-worker: A result of more than 64 KiB or 100 levels is left out.\n');
    expect(server.received.at(-1)?.report).toMatchObject({ status: 'SUCCESS' });
    expect(server.received.at(-1)?.report).not.toHaveProperty('result');

    await runWorker(exec(printResult(64 * 1024 - 2)), environmentFor(server.url));
    expect(server.received.at(-1)?.report.result).toHaveLength(64 * 1024 - 2);
  });

  test('leaves out a result that is nested too deep to be written', async () => {
    const server = await setup();
    const path = join(folder, 'deep');
    await writeFile(path, `JOBSPAWN_RESULT ${'['.repeat(30_000)}${']'.repeat(30_000)}\nlast\n`);
    const { code, stdout, stderr } = await runWorker(['exec', '--', 'cat', path], environmentFor(server.url));
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/\nlast\n$/);
    expect(stderr).toContain('100 levels is left out');
    expect(server.received.at(-1)?.report).toMatchObject({ status: 'SUCCESS' });
  });

  test('reports the exit code and the last lines of stderr, and exits with that code', async () => {
    const server = await setup();
    const { code, stderr } = await runWorker(
      exec('i=1; while [ $i -le 1000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 5'),
      environmentFor(server.url),
    );
    expect(code).toBe(5);
    expect(stderr.split('\n')).toHaveLength(1001);
    expect(server.received.at(-1)?.report).toMatchObject({
      status: 'ERROR',
      message: `Exit code 5.\n${Array.from({ length: 10 }, (_, at) => `line ${991 + at}`).join('\n')}`,
    });
  });

  test('speaks while the command is silent', async () => {
    const server = await setup();
    const worker = startWorker(
      exec('echo JOBSPAWN_PROGRESS 7; exec sleep 60', '--heartbeat', '100ms'),
      environmentFor(server.url),
    );
    await until(() => server.received.length >= 4);
    expect(server.received.slice(1).map(({ report }) => [report.status, report.progress])).toEqual(
      expect.arrayContaining([['Processing...', 7]]),
    );
    worker.kill('SIGTERM');
    await worker.ended;
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'forwards %s and waits for what the command makes of it',
    async (signal) => {
      const server = await setup();
      const script = `trap 'echo cleaned up; exit 7' ${signal.slice(3)}; echo JOBSPAWN_PROGRESS 1; while :; do sleep 0.05; done`;
      const worker = startWorker(exec(script), environmentFor(server.url));
      await until(() => server.received.length === 2);
      worker.kill(signal);
      const { code, stdout } = await worker.ended;
      expect(code).toBe(7);
      expect(stdout.toString()).toContain('cleaned up');
      expect(server.received.at(-1)?.report).toMatchObject({ status: 'ERROR', message: 'Exit code 7.' });
    },
  );

  test('gives 128+n for a command that a signal ended', async () => {
    const server = await setup();
    const { code } = await runWorker(exec('kill -9 $$'), environmentFor(server.url));
    expect(code).toBe(137);
    expect(server.received.at(-1)?.report).toMatchObject({
      status: 'ERROR',
      message: 'Killed by SIGKILL (exit code 137).',
    });
  });

  test.each([
    ['that does not exist', 'no-such-command-at-all', 127, 'no-such-command-at-all: command not found.'],
    ['that is no program', '/etc/passwd', 126, '/etc/passwd cannot be started: permission denied.'],
  ])('a command %s is an ERROR as in a shell', async (_, file, expected, sentence) => {
    const server = await setup();
    const { code, stderr } = await runWorker(['exec', '--', file], environmentFor(server.url));
    expect(code).toBe(expected);
    expect(stderr).toBe(`job-worker: ${sentence}\n`);
    expect(server.received.at(-1)?.report).toMatchObject({ status: 'ERROR', message: sentence });
  });

  test('does not wait for what the command left running', async () => {
    const { code, stdout } = await runWorker(exec('sleep 20 & echo $!'), {});
    process.kill(Number(stdout.toString()), 'SIGKILL');
    expect(code).toBe(0);
  });

  test('gives the command the environment, without the place where the worker keeps its compiled code', async () => {
    const env = { NODE_COMPILE_CACHE: join(folder, 'compile-cache'), OWN: 'kept' };
    const { stdout } = await runWorker(exec('echo "$OWN ${NODE_COMPILE_CACHE-none}"'), env);
    expect(stdout.toString()).toBe('kept none\n');
  });

  test('leaves the outcome in the termination message', async () => {
    const path = join(folder, 'termination-log');
    const env = { KUBERNETES_TERMINATION_MESSAGE_PATH: path };
    await runWorker(exec('echo JOBSPAWN_RESULT 42'), env);
    expect(await readFile(path, 'utf8')).toBe('{"status":"SUCCESS","message":null,"result":42}');
    await runWorker(exec('echo sorry >&2; exit 2'), env);
    expect(await readFile(path, 'utf8')).toBe('{"status":"ERROR","message":"Exit code 2.\\nsorry"}');
  });

  test('works all the same where the termination message cannot be written', async () => {
    const { code, stderr } = await runWorker(exec('exit 4'), {
      KUBERNETES_TERMINATION_MESSAGE_PATH: join(folder, 'missing', 'log'),
    });
    expect(code).toBe(4);
    expect(stderr.split('\n')).toHaveLength(2);
  });

  test('holds the command back where its output is not read', async () => {
    let taken = 0;
    const parked: (() => void)[] = [];
    const slow = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.length;
        if (taken === chunk.length) parked.push(done);
        else done();
      },
    });
    const bytes = 20_000_000;
    const done = join(folder, 'done');
    const running = runCommand({
      file: 'sh',
      args: ['-c', `head -c ${bytes} /dev/zero; touch ${done}`],
      env: { PATH: process.env['PATH'] },
      heartbeatMs: 1000,
      stop: new AbortController().signal,
      stdout: slow,
      stderr: new Writable(),
      tell: () => undefined,
      complain: () => undefined,
    });
    await until(() => taken > 0);
    const firstTaken = taken;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBe(firstTaken);
    await expect(readFile(done)).rejects.toThrow('ENOENT');
    for (const goOn of parked) goOn();
    expect(await running).toMatchObject({ status: 'SUCCESS', exitCode: 0 });
    expect(taken).toBe(bytes);
  });
});
