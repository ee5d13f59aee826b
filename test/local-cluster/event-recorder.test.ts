import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEventRecorder } from '../../src/local-cluster/event-recorder.ts';
import type { EventNote } from '../../src/local-cluster/event-recorder.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import { silentLog } from './silent-log.ts';

const second = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const micro = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

let registry: ReturnType<typeof openRegistry>;
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'event-recorder-'));
  registry = openRegistry({ dataDir, log: silentLog });
});

afterEach(() => {
  registry.close();
  rmSync(dataDir, { recursive: true });
});

function createPod(namespace = 'default') {
  return registry.create('pods', namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod' },
    spec: { nodeName: 'local', containers: [{ name: 'main', image: 'worker' }] },
  });
}

const started = (about: EventNote['about'], over: Partial<EventNote> = {}): EventNote => ({
  about,
  type: 'Normal',
  reason: 'Started',
  message: 'Container started',
  component: 'kubelet',
  fieldPath: 'spec.containers{main}',
  ...over,
});

test('an Event names its object, its component and the node', () => {
  const pod = createPod();
  createEventRecorder(registry, silentLog).record(started(pod));
  expect(registry.list('events')).toEqual([
    expect.objectContaining({
      metadata: expect.objectContaining({
        name: expect.stringMatching(/^pod\.[0-9a-f]{16}$/),
        namespace: 'default',
      }),
      involvedObject: {
        kind: 'Pod',
        namespace: 'default',
        name: 'pod',
        uid: pod.metadata.uid,
        apiVersion: 'v1',
        resourceVersion: pod.metadata.resourceVersion,
        fieldPath: 'spec.containers{main}',
      },
      reason: 'Started',
      message: 'Container started',
      source: { component: 'kubelet', host: 'local' },
      firstTimestamp: second,
      lastTimestamp: second,
      count: 1,
      type: 'Normal',
      eventTime: null,
      reportingComponent: 'kubelet',
      reportingInstance: 'local',
    }),
  ]);
});

test('the same note again raises the count of the same Event', () => {
  const pod = createPod();
  const { record } = createEventRecorder(registry, silentLog);
  const seen: string[] = [];
  registry.subscribe('events', ({ type, object }) => seen.push(`${type} ${object.count}`));
  record(started(pod));
  record(started(pod));
  record(started(pod));
  record(started(pod, { fieldPath: 'spec.containers{side}' }));
  expect(seen).toEqual(['ADDED 1', 'MODIFIED 2', 'MODIFIED 3', 'ADDED 1']);
});

test('a note whose Event is gone makes a new one', () => {
  const pod = createPod();
  const { record } = createEventRecorder(registry, silentLog);
  record(started(pod));
  const [event] = registry.list('events');
  registry.delete('events', { namespace: 'default', name: event?.metadata.name ?? '' });
  record(started(pod));
  expect(registry.list('events').map(({ count }) => count)).toEqual([1]);
});

test('from the tenth different message of one reason on they share an Event', () => {
  const pod = createPod();
  const { record } = createEventRecorder(registry, silentLog);
  for (let number = 1; number <= 12; number += 1) {
    record(started(pod, { reason: 'FailedCreate', message: `refused ${number}` }));
  }
  const events = registry.list('events');
  expect(events).toHaveLength(10);
  expect(events.filter(({ count }) => count === 3).map(({ message }) => message)).toEqual([
    '(combined from similar events): refused 12',
  ]);
});

test("the scheduler's Events have an eventTime and an action, and a series where they repeat", () => {
  const pod = createPod();
  const { record } = createEventRecorder(registry, silentLog);
  const component = 'default-scheduler';
  record({ about: pod, type: 'Normal', reason: 'Scheduled', message: 'bound', component });
  record({ about: pod, type: 'Warning', reason: 'FailedScheduling', message: 'no room', component });
  record({ about: pod, type: 'Warning', reason: 'FailedScheduling', message: 'no room', component });
  const [bound, failed] = registry.list('events');
  expect(bound).toMatchObject({
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: micro,
    action: 'Binding',
    reportingComponent: component,
  });
  expect(bound?.count).toBeUndefined();
  expect(failed).toMatchObject({ action: 'Scheduling', series: { count: 2, lastObservedTime: micro } });
});

test('an Event in a namespace that is going is lost without a fault', () => {
  registry.create('namespaces', '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'brief' } });
  const pod = createPod('brief');
  registry.delete('namespaces', { namespace: '', name: 'brief' });
  createEventRecorder(registry, silentLog).record(started(pod));
  expect(registry.list('events', 'brief')).toEqual([]);
});
