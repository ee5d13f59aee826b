import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createKube } from '../../src/kube/cluster.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { loadRecording } from '../conformance/recording.ts';
import { sendJson, sendStatus, startFakeApi } from './fake-api.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();

let api: Awaited<ReturnType<typeof startFakeApi>>;
let connection: Connection;

beforeEach(async () => {
  api = await startFakeApi();
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
});

afterEach(async () => {
  await connection.close();
  await api.close();
});

const ask = () => createKube({ connection, namespace: 'jobs', log }).findPodRefusal('the-uid', signal);

const at = (ms: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + ms).toISOString();

/** The events with which a real cluster told why that Job had no pod, as a list has them. */
function recordedOf(recording: string, job: string) {
  return loadRecording(recording, (text) => text)
    .events.filter(({ reason, involvedObject }) => reason === 'FailedCreate' && involvedObject.name === job)
    .map(({ ms, ...event }) => ({
      ...event,
      metadata: { name: `${job}.${ms}`, creationTimestamp: at(ms) },
      lastTimestamp: at(ms),
    }));
}

const list = (items: unknown[]) =>
  api.answer((_request, response) => sendJson(response, 200, { metadata: {}, items }));

test.each([
  ['22-pod-security', 'refused', /^Error creating: pods "refused-xbv7v" .* violates PodSecurity "restricted/],
  ['22-pod-security', 'privileged', /hostNetwork=true/],
  ['21-quota', 'too-much', /^Error creating: pods "too-much-\w+" is forbidden: exceeded quota: cpu/],
  ['21-quota', 'no-requests', /failed quota: cpu: must specify requests.cpu/],
])(
  'in recording %s, Job %s has no pod for a reason that its newest event tells',
  async (file, job, words) => {
    const events = recordedOf(file, job);
    expect(events.length).toBeGreaterThan(1);
    list(events.toReversed());
    expect(await ask()).toMatch(words);
  },
);

test('the events of exactly this Job are asked for, and only those of refused pods', async () => {
  list([]);
  expect(await ask()).toBeNull();
  expect(api.requests).toMatchObject([{ method: 'GET', path: '/api/v1/namespaces/jobs/events' }]);
  expect(api.requests[0]?.query.get('fieldSelector')).toBe('involvedObject.uid=the-uid,reason=FailedCreate');
});

test('an event that came again is as new as its last time, in either form of event', async () => {
  const metadata = { creationTimestamp: at(0) };
  list([
    { metadata, message: 'again', lastTimestamp: at(9000) },
    { metadata: { creationTimestamp: at(5000) }, message: 'once', lastTimestamp: at(5000) },
  ]);
  expect(await ask()).toBe('again');
  list([
    { metadata, message: 'in a series', series: { lastObservedTime: at(9000) } },
    { metadata: { creationTimestamp: at(5000) }, message: '(combined from similar events): once' },
  ]);
  expect(await ask()).toBe('in a series');
});

test('what the recorder adds to many of a kind is left out', async () => {
  list([
    { metadata: { creationTimestamp: at(0) }, message: '(combined from similar events): Error creating: x' },
  ]);
  expect(await ask()).toBe('Error creating: x');
});

test('a want of rights is an error', async () => {
  api.answer((_request, response) => sendStatus(response, 403, 'Forbidden'));
  await expect(ask()).rejects.toMatchObject({ code: 'forbidden' });
});
