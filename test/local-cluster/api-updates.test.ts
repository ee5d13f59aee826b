import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { jobsPath, json, minimalJob, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

const eventsPath = '/api/v1/namespaces/default/events';
const mergePatch = { 'content-type': 'application/merge-patch+json' };
const asTable = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };

const minimalEvent = (name: string) => ({
  metadata: { name },
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'x' },
});

describe('an update', () => {
  let api: ApiUnderTest;
  const create = async (path: string, body: object) => {
    const created = await api.ask(path, { method: 'POST', headers: json, body });
    expect(created).toMatchObject({ status: 201 });
  };
  const patch = (path: string, body: object) => api.ask(path, { method: 'PATCH', headers: mergePatch, body });

  const setDeadline = (activeDeadlineSeconds: number | null) =>
    patch(`${podsPath}/hurried`, { spec: { activeDeadlineSeconds } });

  beforeAll(async () => {
    api = await startTestApi();
    await create(jobsPath, minimalJob('a'));
    await create(podsPath, minimalPod('a'));
    await create(eventsPath, minimalEvent('a'));
  });
  afterAll(() => api.close());

  test('of an Event may empty what it is about, but not take it away', async () => {
    expect(await patch(`${eventsPath}/a`, { involvedObject: null })).toMatchObject({
      status: 200,
      body: { involvedObject: {} },
    });
    expect(await api.ask(eventsPath, { headers: asTable })).toMatchObject({ status: 200 });
    const selected = await api.ask(`${eventsPath}?fieldSelector=involvedObject.name%3Dx`);
    expect(selected).toMatchObject({ status: 200, body: { items: [] } });
  });

  test('of an Event may not move what it is about to another namespace', async () => {
    expect(await patch(`${eventsPath}/a`, { involvedObject: { namespace: 'other' } })).toMatchObject({
      status: 422,
      body: {
        message:
          'Event "a" is invalid: involvedObject.namespace: Invalid value: "other": does not match event.namespace',
      },
    });
  });

  test.each([
    [{ labels: { 'bad key!': '' } }, 'metadata.labels: Invalid value: "bad key!": name part must consist of'],
    [{ annotations: { 'a/b/c': '' } }, 'metadata.annotations: Invalid value: "a/b/c": a valid label key'],
    [{ ownerReferences: [{ uid: 'x' }] }, 'metadata.ownerReferences[0].kind: Invalid value: "": must not be'],
    [
      { finalizers: ['bad'] },
      'metadata.finalizers: Invalid value: "bad": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ])('does not bring in the metadata %j, through whatever door', async (metadata, message) => {
    const doors = [`${jobsPath}/a`, `${jobsPath}/a/status`, `${podsPath}/a`, `${podsPath}/a/status`];
    for (const path of [...doors, `${eventsPath}/a`, '/api/v1/namespaces/default']) {
      expect(await patch(path, { metadata })).toMatchObject({
        status: 422,
        body: { message: expect.stringContaining(message) },
      });
    }
  });

  test('of a pod may set its deadline and bring it nearer, and no more', async () => {
    await create(podsPath, minimalPod('hurried'));
    expect(await setDeadline(-5)).toMatchObject({
      status: 422,
      body: {
        message: expect.stringContaining('Invalid value: -5: must be between 1 and 2147483647, inclusive'),
      },
    });
    expect(await setDeadline(100)).toMatchObject({ status: 200 });
    expect(await setDeadline(50)).toMatchObject({ status: 200 });
    expect(await setDeadline(60)).toMatchObject({
      status: 422,
      body: {
        message:
          'Pod "hurried" is invalid: spec.activeDeadlineSeconds: Invalid value: 60: must be less than or equal to previous value',
      },
    });
    expect(await setDeadline(null)).toMatchObject({
      status: 422,
      body: {
        message:
          'Pod "hurried" is invalid: spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value',
      },
    });
  });

  test('of a pod may add tolerations, if they are right, and mend a negative grace period', async () => {
    const { spec, metadata } = minimalPod('tolerant');
    await create(podsPath, { metadata, spec: { ...spec, terminationGracePeriodSeconds: -5 } });
    const path = `${podsPath}/tolerant`;
    expect(await patch(path, { spec: { terminationGracePeriodSeconds: 30 } })).toMatchObject({ status: 422 });
    expect(await patch(path, { spec: { terminationGracePeriodSeconds: 1 } })).toMatchObject({ status: 200 });
    const add = (toleration: object) =>
      api.ask(path, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json-patch+json' },
        body: [{ op: 'add', path: '/spec/tolerations/-', value: toleration }],
      });
    expect(await add({ key: 'a', operator: 'Exists' })).toMatchObject({ status: 200 });
    expect(await add({ key: 'a', operator: 'Perhaps' })).toMatchObject({ status: 422 });
  });

  test('names the object', async () => {
    const nameless = {
      status: 400,
      body: {
        message: 'the name of the object (a based on URL) was undeterminable: name must be provided',
      },
    };
    const { spec } = minimalJob('a');
    const put = await api.ask(`${jobsPath}/a`, { method: 'PUT', headers: json, body: { spec } });
    expect(put).toMatchObject(nameless);
    expect(await patch(`${jobsPath}/a`, { metadata: { name: null } })).toMatchObject(nameless);
  });
});
