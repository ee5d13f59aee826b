import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createDelivery } from '../../src/job-worker/delivery.ts';
import { createReporter } from '../../src/job-worker/reporter.ts';
import { processing, startProcessing } from '../../src/job-worker/words.ts';
import { until } from '../support/until.ts';
import { startReportServer } from './report-server.ts';
import type { Answer } from './report-server.ts';
import { environmentFor, preload, runWorker, startWorker } from './worker-process.ts';

const closers: (() => Promise<void>)[] = [];

async function setup(answer?: Answer) {
  const server = await startReportServer(answer);
  closers.push(server.close);
  return server;
}

/** Ports are not given out again at once: after the close nobody listens there. */
async function unusedUrl(): Promise<string> {
  const server = await startReportServer();
  await server.close();
  return server.url;
}

function callbackTo(url: string) {
  return { url: new URL('/status', url), token: null, speaker: { 'job-id': 'a' } };
}

const quickSuccess = ['--duration', '0s', '--error-rate', '0'];
const ended = { status: 'SUCCESS' } as const;
const unstopped = new AbortController().signal;
const unanswered = new Promise<never>(() => undefined);

/** A request without an answer is given up after 10 s anyway; a stop must not need that. */
const lessThanAnAttemptMs = 8000;

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('the claim', () => {
  test('answered 409 ends the worker with 0, without work and without another report', async () => {
    const server = await setup(() => ({ status: 409 }));
    const { code, stdout, stderr } = await runWorker(
      ['exec', '--', 'echo', 'ran'],
      environmentFor(server.url),
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('Another pod holds the claim');
    expect(server.statuses()).toEqual(['Start Processing']);
  });

  test('is repeated while the server is not well, and the work waits for it', async () => {
    let wellAgain = false;
    const server = await setup(() => ({ status: wellAgain ? 200 : 503 }));
    const worker = startWorker(['exec', '--', 'echo', 'ran'], environmentFor(server.url));
    await until(() => server.received.length === 3);
    expect(new Set(server.statuses())).toEqual(new Set(['Start Processing']));
    wellAgain = true;
    const { code, stdout } = await worker.ended;
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'ran\n' });
    expect(server.statuses().at(-1)).toBe('SUCCESS');
  });

  test('that is not delivered lets the work run', async () => {
    const complaints: string[] = [];
    const deliver = createDelivery(callbackTo(await unusedUrl()));
    const hurried = createReporter(
      (take) => deliver(take, { withinMs: 300 }),
      (sentence) => complaints.push(sentence),
    );
    expect(await hurried.claim(startProcessing, unstopped)).toBe(true);
    await hurried.finish(ended, unstopped);
    expect(complaints).toEqual(['A report was not delivered: ECONNREFUSED.']);
  });

  test('answered 503 is repeated when Retry-After says so', async () => {
    const server = await setup((_, nth) =>
      nth === 1 ? { status: 503, headers: { 'retry-after': '1' } } : { status: 200 },
    );
    const reporter = createReporter(createDelivery(callbackTo(server.url)), () => undefined);
    expect(await reporter.claim(startProcessing, unstopped)).toBe(true);
    const [first, second] = server.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(950);
  });

  test.each<[string, Answer]>([
    ['refused for now', () => ({ status: 503, headers: { 'retry-after': '20' } })],
    ['not answered', ({ report }) => (report.status === 'ERROR' ? { status: 200 } : unanswered)],
  ])(
    'that is %s is given up on SIGTERM, and the work never starts',
    async (_, answer) => {
      const server = await setup(answer);
      const worker = startWorker(['exec', '--', 'echo', 'ran'], environmentFor(server.url));
      await until(() => server.received.length > 0);
      worker.kill('SIGTERM');
      const { code, stdout } = await worker.ended;
      expect({ code, stdout: stdout.toString() }).toEqual({ code: 143, stdout: '' });
      // Where it is refused for now, the end of its time may just leave room for a second try.
      const [claim, ...outcomes] = server.statuses();
      expect(claim).toBe('Start Processing');
      expect(new Set(outcomes)).toEqual(new Set(['ERROR']));
    },
    lessThanAnAttemptMs,
  );
});

describe('a worker that is told to stop', () => {
  test('ends soon after its work where nobody can be reached any more', async () => {
    const server = await setup();
    const worker = startWorker(['exec', '--', 'sleep', '50'], environmentFor(server.url));
    await until(() => server.received.length > 0);
    await server.close();
    worker.kill('SIGTERM');
    const { code, stderr } = await worker.ended;
    expect(code).toBe(143);
    expect(stderr).toBe('job-worker: A report was not delivered: ECONNREFUSED.\n');
  });

  test.each<[string, Answer]>([
    ['waits to be repeated', () => ({ status: 503, headers: { 'retry-after': '50' } })],
    ['waits for its answer', () => unanswered],
  ])(
    'while the outcome %s sends it anew, and keeps the exit code of the work',
    async (_, answer) => {
      const server = await setup((received, nth) => (nth === 2 ? answer(received, nth) : { status: 200 }));
      const worker = startWorker(['exec', '--', 'sh', '-c', 'exit 3'], environmentFor(server.url));
      await until(() => server.received.length === 2);
      worker.kill('SIGTERM');
      const { code, stderr } = await worker.ended;
      expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
      expect(server.statuses()).toEqual(['Start Processing', 'ERROR', 'ERROR']);
    },
    lessThanAnAttemptMs,
  );

  test(
    'lets the outcome go before progress that is not answered',
    async () => {
      const server = await setup(({ report }) =>
        report.status === 'Processing...' ? unanswered : { status: 200 },
      );
      const reporter = createReporter(createDelivery(callbackTo(server.url)), () => undefined);
      const stop = new AbortController();
      reporter.tell(processing(1));
      await until(() => server.received.length === 1);
      const finished = reporter.finish(ended, stop.signal);
      stop.abort();
      await finished;
      expect(server.statuses()).toEqual(['Processing...', 'SUCCESS']);
    },
    lessThanAnAttemptMs,
  );

  test('hears of it before it has loaded what it works with', async () => {
    const killAtLoad = `import { registerHooks } from 'node:module';
      registerHooks({ load: (url, context, next) => {
        if (url.endsWith('/job-worker/run.ts')) process.kill(process.pid, 'SIGTERM');
        return next(url, context);
      } });`;
    const { code } = await runWorker(['--duration', '1h'], preload(killAtLoad));
    expect(code).toBe(143);
  });

  test('is not held up by a long look-up of a name, of which its command hears nothing', async () => {
    const { stdout, stderr } = await runWorker(
      ['exec', '--', 'sh', '-c', 'echo "${RES_OPTIONS-none}"'],
      preload(`process.once('exit', () => console.error(process.env.RES_OPTIONS))`),
    );
    expect(stdout.toString()).toBe('none\n');
    expect(stderr).toContain('timeout:1 attempts:1');
  });
});

describe('a report', () => {
  test.each([400, 401, 404, 302])(
    'answered %i is not repeated, and the work goes on to its own exit code',
    async (status) => {
      const server = await setup(() => ({ status }));
      const { code, stderr } = await runWorker(
        ['exec', '--', 'sh', '-c', 'exit 3'],
        environmentFor(server.url),
      );
      expect(code).toBe(3);
      expect(server.statuses()).toEqual(['Start Processing', 'ERROR']);
      expect(stderr).toBe(`job-worker: A report was not delivered: HTTP ${status}.\n`);
    },
  );

  test.each([408, 429, 500, 503])('answered %i is repeated until it is taken', async (status) => {
    const server = await setup(({ report }, nth) => ({
      status: report.status === 'SUCCESS' && nth < 3 ? status : 200,
    }));
    const { code } = await runWorker(['exec', '--', 'true'], environmentFor(server.url));
    expect(code).toBe(0);
    expect(server.statuses()).toEqual(['Start Processing', 'SUCCESS', 'SUCCESS']);
  });

  test('waits as long as Retry-After asks', async () => {
    const server = await setup((_, nth) =>
      nth === 1 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 },
    );
    await createDelivery(callbackTo(server.url))(() => startProcessing, { withinMs: 10_000 });
    const [first, second] = server.received;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(950);
  });

  test('is taken for lost when its answer never comes', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const delivery = await createDelivery(callbackTo(`http://127.0.0.1:${port}`))(() => startProcessing, {
      withinMs: 100,
    });
    silent.closeAllConnections();
    silent.close();
    expect(delivery).toEqual({ outcome: 'dropped', why: 'no answer in time' });
  });

  test('of progress that was overtaken is dropped, and the outcome is last and alone under way', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const server = await setup(async ({ report }) => {
      if (report.progress === 1) await held;
      return { status: 200 };
    });
    const reporter = createReporter(createDelivery(callbackTo(server.url)), () => undefined);
    reporter.tell(processing(1));
    await until(() => server.received.length === 1);
    for (let progress = 2; progress <= 50; progress++) reporter.tell(processing(progress));
    release();
    await until(() => server.received.length === 2);
    reporter.tell(processing(51));
    await reporter.finish(ended, unstopped);
    expect(server.received.map(({ report }) => report.progress ?? report.status)).toEqual([1, 50, 'SUCCESS']);
    expect(server.mostOpen()).toBe(1);
  });

  test('that waits to be repeated is replaced by a newer one', async () => {
    const server = await setup((_, nth) => ({ status: nth < 3 ? 503 : 200 }));
    const reporter = createReporter(createDelivery(callbackTo(server.url)), () => undefined);
    reporter.tell(processing(1));
    await until(() => server.received.length === 1);
    reporter.tell(processing(2));
    await until(() => server.received.length === 3);
    await reporter.finish(ended, unstopped);
    expect(server.received.map(({ report }) => report.progress ?? report.status)).toEqual([
      1,
      2,
      2,
      'SUCCESS',
    ]);
  });

  test('that is refused with 409 at the end changes nothing for the exit code', async () => {
    const server = await setup(({ report }) => ({ status: report.status === 'SUCCESS' ? 409 : 200 }));
    const { code, stderr } = await runWorker(quickSuccess, environmentFor(server.url));
    expect(code).toBe(0);
    expect(stderr).toContain('The outcome was refused');
  });
});

test('the token shows neither in the output nor in the message of a command that printed its environment', async () => {
  const server = await setup(({ report }) => ({ status: report.status === 'ERROR' ? 200 : 401 }));
  const { stdout, stderr } = await runWorker(
    ['exec', '--', 'sh', '-c', 'env >&2; exit 1'],
    environmentFor(server.url),
  );
  const own = stderr.split('\n').filter((line) => line.startsWith('job-worker:'));
  expect(own).toHaveLength(1);
  expect(`${own.join('')}${stdout.toString()}`).not.toContain('secret-token-123');
  const { message } = server.received.at(-1)?.report ?? {};
  expect(message).toContain('JOBSPAWN_TOKEN=<token>');
  expect(message).not.toContain('secret-token-123');
});
