import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { LogOptions, ReadLog } from '../../src/local-cluster/api/pod-log.ts';
import { until } from '../support/until.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
afterEach(() => api.close());

const started = async (readLog: ReadLog, options: { mayFail?: boolean } = {}) => {
  api = await startTestApi({ readLog, ...options });
  api.registry.create('pods', 'default', minimalPod('p'));
  api.registry.update('pods', { namespace: 'default', name: 'p' }, (draft) => {
    draft.spec.nodeName = 'local';
    draft.status.containerStatuses = [
      { name: 'main', image: '', imageID: '', ready: true, restartCount: 0, state: { running: {} } },
    ];
  });
};

describe('a container’s log', () => {
  test('is sent as it is read, and ends when the reading ends', async () => {
    const more = Promise.withResolvers<void>();
    await started(async function* () {
      yield Buffer.from('first\n');
      await more.promise;
      yield Buffer.from('second\n');
    });
    const stream = await api.open(`${podsPath}/p/log?follow=true`);
    await until(() => stream.lines.length === 1);
    expect(stream.ended()).toBe(false);
    more.resolve();
    await until(() => stream.ended());
    expect(stream.lines).toEqual(['first', 'second']);
  });

  test('since longer than a date can tell is all of it', async () => {
    let since: Date | undefined;
    await started(async function* (_pod, _container, options) {
      since = options.sinceTime;
      yield Buffer.from('first\n');
    });
    const reply = await api.ask(`${podsPath}/p/log?sinceSeconds=9000000000000000`);
    expect(reply).toMatchObject({ status: 200, body: 'first\n' });
    expect(since).toEqual(new Date(0));
  });

  test('is no longer read once its reader is gone', async () => {
    let aborted = false;
    await started(async function* (_pod, _container, _options, signal) {
      yield Buffer.from('first\n');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted = true;
    });
    const stream = await api.open(`${podsPath}/p/log?follow=true`);
    await until(() => stream.lines.length === 1);
    stream.close();
    await until(() => aborted);
  });

  test('is read no faster than its reader takes it', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let read = 0;
    await started(async function* () {
      for (; read < 200; read += 1) yield chunk;
    });
    const path = `${api.prefix}${podsPath}/p/log`;
    const response = await new Promise<IncomingMessage>((resolve) => {
      request({ host: '127.0.0.1', port: api.port, path }, resolve).end();
    });
    // Nothing is consumed: what has been read stays within the buffers of the two sockets.
    let before = -1;
    const isSettled = () => {
      const same = read === before;
      before = read;
      return same && read > 0;
    };
    await until(isSettled, { everyMs: 100 });
    expect(read).toBeLessThan(100);
    let bytes = 0;
    for await (const part of response) bytes += Buffer.byteLength(String(part));
    expect(bytes).toBe(200 * chunk.length);
  });

  test('is asked for with the parameters of the query', async () => {
    const asked: LogOptions[] = [];
    // oxlint-disable-next-line require-yield
    await started(async function* (_pod, _container, options) {
      asked.push(options);
    });
    await api.ask(
      `${podsPath}/p/log?follow=1&tailLines=5&limitBytes=10&timestamps=true&sinceTime=2030-01-01T00:00:00Z`,
    );
    await api.ask(`${podsPath}/p/log?follow=false`);
    expect(asked).toEqual([
      {
        previous: false,
        follow: true,
        timestamps: true,
        tailLines: 5,
        limitBytes: 10,
        sinceTime: new Date('2030-01-01T00:00:00Z'),
      },
      { previous: false, follow: false, timestamps: false },
    ]);
  });

  test('that breaks while it is read ends the answer short, so that its reader knows', async () => {
    await started(
      async function* () {
        yield Buffer.from('first\n');
        throw new Error('the file is gone');
      },
      { mayFail: true },
    );
    await expect(api.ask(`${podsPath}/p/log`)).rejects.toThrow('aborted');
  });

  test('of a pod that is not there is 404, and of one without a node it is empty', async () => {
    api = await startTestApi();
    const reply = await api.ask(`${podsPath}/absent/log`);
    expect(reply).toMatchObject({ status: 404, body: { message: 'pods "absent" not found' } });
    api.registry.create('pods', 'default', minimalPod('waiting'));
    expect(await api.ask(`${podsPath}/waiting/log`)).toMatchObject({ status: 204, body: '' });
  });
});
