import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, jobsPath, minimalJob, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi({ historySize: 10 });
});
afterAll(() => api.close());
afterEach(() => {
  for (const { metadata } of api.registry.list('jobs')) {
    const key = { namespace: 'default', name: metadata.name };
    api.registry.delete('jobs', key, { propagationPolicy: 'Background' });
  }
});

const create = (name: string, labels?: Record<string, string>) =>
  api.registry.create('jobs', 'default', minimalJob(name, { labels }));
const relabel = (name: string, labels: Record<string, string>, padding = '') =>
  api.registry.update('jobs', { namespace: 'default', name }, (draft) => {
    draft.metadata.labels = labels;
    draft.metadata.annotations = { padding };
  });

type Told = {
  type: string;
  name?: string;
  version: string;
  labels?: object;
  annotations?: object;
  code?: number;
};

const toTold = (line: string): Told => {
  const { type, object } = JSON.parse(line) as {
    type: string;
    object: {
      code?: number;
      metadata: { name?: string; resourceVersion: string; labels?: object; annotations?: object };
    };
  };
  const { name, resourceVersion: version, labels, annotations } = object.metadata;
  return { type, name, version, labels, annotations, code: object.code };
};

const watch = async (query: string) => {
  const stream = await api.open(`${jobsPath}?watch=true&${query}`);
  return { ...stream, told: () => stream.lines.map(toTold) };
};

describe('a watch', () => {
  test('from a version tells what has happened since, and then what happens', async () => {
    const { metadata } = create('a');
    relabel('a', { x: '1' });
    const stream = await watch(`resourceVersion=${metadata.resourceVersion}`);
    await until(() => stream.lines.length === 1);
    create('b');
    await until(() => stream.lines.length === 2);
    expect(stream.told().map(({ type, name }) => `${type} ${name}`)).toEqual(['MODIFIED a', 'ADDED b']);
    stream.close();
  });

  test('without a version begins with an ADDED for all that is there', async () => {
    create('a');
    create('b');
    const stream = await watch('');
    await until(() => stream.lines.length === 2);
    expect(stream.told().map(({ type, name }) => `${type} ${name}`)).toEqual(['ADDED a', 'ADDED b']);
    stream.close();
  });

  test('with sendInitialEvents marks the end of what was there by a bookmark', async () => {
    create('a');
    const stream = await watch(
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    );
    await until(() => stream.lines.length === 2);
    expect(stream.told()[1]).toMatchObject({
      type: 'BOOKMARK',
      version: String(api.registry.version()),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    });
    stream.close();
  });

  test('on a selector tells an object that leaves it as DELETED, with its old labels and the new version', async () => {
    create('a', { tier: 'gold' });
    const stream = await watch(`resourceVersion=${api.registry.version()}&labelSelector=tier%3Dgold`);
    const left = relabel('a', { tier: 'tin' });
    relabel('a', { tier: 'lead' });
    relabel('a', { tier: 'gold' });
    await until(() => stream.lines.length === 2);
    expect(stream.told()[0]).toMatchObject({
      type: 'DELETED',
      labels: { tier: 'gold' },
      version: left?.metadata.resourceVersion,
    });
    expect(stream.told()[1]).toMatchObject({ type: 'ADDED', labels: { tier: 'gold' } });
    stream.close();
  });

  test('from a version that is too old is told so with 410, and ended', async () => {
    const start = api.registry.version();
    for (let index = 0; index < 20; index += 1) create(`job-${index}`);
    const stream = await watch(`resourceVersion=${start}`);
    await until(() => stream.ended());
    expect(stream.told()).toMatchObject([{ type: 'ERROR', code: 410 }]);
  });

  test('ends cleanly after timeoutSeconds', async () => {
    const stream = await watch(`resourceVersion=${api.registry.version()}&timeoutSeconds=1`);
    await until(() => stream.ended());
    expect(stream.lines).toEqual([]);
  });

  test('of a reader that does not read is cut off, so that it does not fill the memory', async () => {
    create('a');
    const path = `${api.prefix}${jobsPath}?watch=true&resourceVersion=${api.registry.version()}`;
    const response = await new Promise<IncomingMessage>((resolve) => {
      request({ host: '127.0.0.1', port: api.port, path }, resolve).end();
    });
    const changes = 300;
    for (let index = 0; index < changes; index += 1) {
      relabel('a', { index: String(index) }, 'x'.repeat(100_000));
      // A turn for the sockets: what fits into their buffers is written.
      await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    for await (const chunk of response) text += String(chunk);
    const told = text.split('\n').length - 1;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(changes);
  });

  test('ends when the server closes', async () => {
    const closing = await startTestApi();
    const stream = await closing.open(`${jobsPath}?watch=true`);
    await closing.close();
    await until(() => stream.ended());
    expect(stream.lines).toEqual([]);
  });
});

describe('a list in pages', () => {
  type Page = {
    items: { metadata: { name: string } }[];
    metadata: { continue?: string; remainingItemCount?: number };
  };
  const page = async (query: string): Promise<Page> => {
    const { body } = await api.ask(`${jobsPath}?limit=2${query}`);
    return body as Page;
  };
  const names = ({ items }: Page) => items.map(({ metadata }) => metadata.name);

  test('shows what was there at its first page, whatever happens meanwhile', async () => {
    for (const name of ['a', 'b', 'c', 'd']) create(name);
    const first = await page('');
    expect(names(first)).toEqual(['a', 'b']);
    expect(first.metadata.remainingItemCount).toBe(2);
    create('bb');
    api.registry.delete('jobs', { namespace: 'default', name: 'd' }, { propagationPolicy: 'Background' });
    const second = await page(`&continue=${first.metadata.continue}`);
    expect(names(second)).toEqual(['c', 'd']);
    expect(second.metadata.continue).toBeUndefined();
  });

  test('that has been forgotten is 410, with a token that goes on from there', async () => {
    for (const name of ['a', 'b', 'c']) create(name);
    const first = await page('');
    for (let index = 0; index < 20; index += 1) relabel('a', { index: String(index) });
    const expired = await api.ask(`${jobsPath}?limit=2&continue=${first.metadata.continue}`);
    expect(expired).toMatchObject({ status: 410, body: { reason: 'Expired' } });
    const token = (expired.body as Page).metadata.continue;
    expect(names(await page(`&continue=${token}`))).toEqual(['c']);
  });
});

describe('a write', () => {
  test('with dryRun=All answers and leaves no trace', async () => {
    const version = api.registry.version();
    const ask = { method: 'POST', headers: json, body: minimalJob('dry') };
    const reply = await api.ask(`${jobsPath}?dryRun=All`, ask);
    expect(reply).toMatchObject({ status: 201, body: { metadata: { name: 'dry', generation: 1 } } });
    expect(api.registry.version()).toBe(version);
    expect((await api.ask(`${jobsPath}/dry`)).status).toBe(404);
  });
});
