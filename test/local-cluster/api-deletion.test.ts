import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

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
