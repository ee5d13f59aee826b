import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, jobsPath, minimalJob, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi({ now: () => new Date('2026-01-01T00:00:00Z') });
});
afterAll(() => api.close());

const createBound = async (name: string, terminationGracePeriodSeconds: number) => {
  const { metadata, spec } = minimalPod(name);
  const body = { metadata, spec: { ...spec, terminationGracePeriodSeconds, nodeName: 'local' } };
  expect(await api.ask(podsPath, { method: 'POST', headers: json, body })).toMatchObject({ status: 201 });
};

describe('the grace period of a deletion', () => {
  test.each([
    [1e15, 2147483647, '2094-01-19T03:14:07Z'],
    [1e12, 2147483647, '2094-01-19T03:14:07Z'],
    [-5, 1, '2026-01-01T00:00:01Z'],
    [0, 0, '2026-01-01T00:00:00Z'],
  ])(
    'of %s seconds is taken for one of %s',
    async (seconds, deletionGracePeriodSeconds, deletionTimestamp) => {
      const marked = { status: 200, body: { metadata: { deletionGracePeriodSeconds, deletionTimestamp } } };
      const name = `pod-${seconds < 0 ? 'negative' : seconds}`;
      await createBound(name, seconds);
      expect(await api.ask(`${podsPath}/${name}`, { method: 'DELETE' })).toMatchObject(marked);
      await createBound(`${name}-asked`, 30);
      const query = `?gracePeriodSeconds=${BigInt(seconds)}`;
      expect(await api.ask(`${podsPath}/${name}-asked${query}`, { method: 'DELETE' })).toMatchObject(marked);
    },
  );
});

describe('a deletion', () => {
  const path = `${jobsPath}/there`;
  beforeAll(() => api.ask(jobsPath, { method: 'POST', headers: json, body: minimalJob('there') }));

  test.each([
    [
      { gracePeriodSeconds: '0' },
      'string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    ],
    [
      { preconditions: 'x' },
      'string into Go struct field DeleteOptions.preconditions of type v1.Preconditions',
    ],
    [
      { preconditions: { uid: 7 } },
      'number into Go struct field Preconditions.preconditions.uid of type string',
    ],
    [{ orphanDependents: 'no' }, 'string into Go struct field DeleteOptions.orphanDependents of type bool'],
    [{ dryRun: 'All' }, 'string into Go struct field DeleteOptions.dryRun of type []string'],
  ])('on the terms %j is refused', async (body, message) => {
    expect(await api.ask(path, { method: 'DELETE', headers: json, body })).toMatchObject({
      status: 400,
      body: { message: `json: cannot unmarshal ${message}` },
    });
    expect(await api.ask(path)).toMatchObject({ status: 200 });
  });

  test('with an empty uid for its precondition takes nothing away', async () => {
    const body = { preconditions: { uid: '' } };
    expect(await api.ask(path, { method: 'DELETE', headers: json, body })).toMatchObject({ status: 409 });
  });
});
