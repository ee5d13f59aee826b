import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, jobsPath, minimalJob, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeEach(async () => {
  api = await startTestApi({ mayFail: true });
});
afterEach(() => api.close());

const eventsPath = '/api/v1/namespaces/default/events';
const about = `fieldSelector=${encodeURIComponent('involvedObject.name=x')}`;

const event = (name: string) => ({
  metadata: { name },
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'x' },
  reason: 'Tried',
  type: 'Normal',
});

/** No request can make such an Event; it stands for any object over which a selector or a renderer fails. */
function createBroken(name: string): void {
  api.registry.create('events', 'default', event(name));
  api.registry.update('events', { namespace: 'default', name }, (draft) => {
    Reflect.deleteProperty(draft, 'involvedObject');
  });
}

const toldOf = (lines: string[]) =>
  lines.map((line) => {
    const { type, object } = JSON.parse(line) as {
      type: string;
      object: { code?: number; reason?: string; metadata: { name?: string } };
    };
    return type === 'ERROR' ? `${type} ${object.code} ${object.reason}` : `${type} ${object.metadata.name}`;
  });

describe('a watch that cannot be told of an object', () => {
  test('ends with an ERROR, and leaves the writer and the other watches alone', async () => {
    const version = api.registry.version();
    const faulty = await api.open(`${eventsPath}?watch=true&resourceVersion=${version}&${about}`);
    const sound = await api.open(`${eventsPath}?watch=true&resourceVersion=${version}`);
    createBroken('broken');
    const reply = await api.ask(eventsPath, { method: 'POST', headers: json, body: event('next') });
    expect(reply.status).toBe(201);
    await until(() => faulty.ended() && sound.lines.length === 3);
    expect(toldOf(faulty.lines)).toEqual(['ADDED broken', 'ERROR 500 InternalError']);
    expect(toldOf(sound.lines)).toEqual(['ADDED broken', 'MODIFIED broken', 'ADDED next']);
    sound.close();
  });

  test('ends with an ERROR when it begins, also where it begins in a timer', async () => {
    createBroken('broken');
    const next = api.registry.version() + 1;
    const paths = [
      `${eventsPath}?watch=true&${about}`,
      `${eventsPath}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=${next}&${about}`,
    ];
    const watches = await Promise.all(paths.map((path) => api.open(path)));
    api.registry.create('jobs', 'default', minimalJob('next'));
    await until(() => watches.every(({ ended }) => ended()));
    for (const { lines } of watches) expect(toldOf(lines)).toEqual(['ERROR 500 InternalError']);
    expect((await api.ask('/healthz')).status).toBe(200);
  });
});

test('an answer that cannot be written is a 500, not a broken connection', async () => {
  const knot: { metadata: object; self?: unknown } = { metadata: {} };
  knot.self = knot;
  Reflect.set(api.registry, 'find', () => knot);
  expect(await api.ask(`${jobsPath}/knot`)).toMatchObject({
    status: 500,
    body: { kind: 'Status', reason: 'InternalError' },
  });
});

test('a write whose answer cannot be shown is not done', async () => {
  const headers = { ...json, accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };
  const ask = { method: 'POST', headers, body: minimalJob('unseen') };
  expect((await api.ask(`${jobsPath}?includeObject=bogus`, ask)).status).toBe(400);
  expect(api.registry.list('jobs')).toEqual([]);
});
