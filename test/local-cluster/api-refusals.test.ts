import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest } from './api-under-test.ts';
import { json, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const post = (path: string, body: object) => api.ask(path, { method: 'POST', headers: json, body });
const refusal = (status: number, message: string) => ({
  status,
  body: { message: expect.stringContaining(message) },
});

const podWith = (spec: object) => {
  const pod = minimalPod('it');
  return { ...pod, spec: { ...pod.spec, ...spec } };
};

const requiring = (selector: object) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: selector } },
});
const matching = (requirement: object) =>
  requiring({ nodeSelectorTerms: [{ matchExpressions: [requirement] }] });
const terms = 'requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';

describe('a pod is refused', () => {
  test.each([
    [requiring({}), `${terms}: Required value: must have at least one node selector term`],
    [requiring({ nodeSelectorTerms: [] }), `${terms}: Required value: must have at least one`],
    [
      matching({ key: 'a', operator: 'Perhaps' }),
      `${terms}[0].matchExpressions[0].operator: Invalid value: "Perhaps": not a valid selector operator`,
    ],
    [
      matching({ key: 'a', operator: 'In' }),
      `${terms}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
    ],
    [
      matching({ key: 'a b', operator: 'Exists' }),
      'matchExpressions[0].key: Invalid value: "a b": name part',
    ],
    [
      requiring({ nodeSelectorTerms: [{ matchFields: [{ key: 'a', operator: 'In', values: ['b'] }] }] }),
      `${terms}[0].matchFields[0].key: Invalid value: "a": not a valid field selector key`,
    ],
    [
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
          },
        },
      },
      'weight: Invalid value: 101: must be in the range 1-100',
    ],
  ])('for the spec %j', async (spec, message) => {
    expect(await post(podsPath, podWith(spec))).toMatchObject(refusal(422, message));
  });
});

test('an Event whose time has no zone is refused, as no typed client could read it', async () => {
  const event = { metadata: { name: 'it' }, involvedObject: { namespace: 'default' } };
  const lastTimestamp = '2024-01-01T00:00:00';
  expect(await post('/api/v1/namespaces/default/events', { ...event, lastTimestamp })).toMatchObject(
    refusal(
      400,
      'Event in version "v1" cannot be handled as a Event: parsing time "2024-01-01T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ),
  );
});
