import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { ApiUnderTest } from './api-under-test.ts';
import { jobsPath, json, minimalJob, minimalPod, podsPath, startTestApi } from './api-under-test.ts';

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

const jobWith = (rule: object) =>
  minimalJob('it', { spec: { podFailurePolicy: { rules: [{ action: 'Ignore', ...rule }] } } });

describe('a Job is refused', () => {
  const rule = 'spec.podFailurePolicy.rules[0]';

  test('for an exit code that is named twice', async () => {
    const values = [1, 2, 2, 3];
    expect(await post(jobsPath, jobWith({ onExitCodes: { operator: 'In', values } }))).toMatchObject(
      refusal(422, `${rule}.onExitCodes.values[2]: Duplicate value: 2`),
    );
  });

  test('for more exit codes than could each be looked for among all others', async () => {
    const values = Array.from({ length: 350_000 }, (_, index) => index + 1);
    expect(await post(jobsPath, jobWith({ onExitCodes: { operator: 'In', values } }))).toMatchObject(
      refusal(422, `${rule}.onExitCodes.values: Too many: 350000: must have at most 255 items`),
    );
  });
});

test('of very many faults some hundred are told, and how many more there are', async () => {
  const labels = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`!${index}`, '']));
  const { status, body } = await post(jobsPath, minimalJob('it', { labels }));
  const { message, details } = z
    .object({ message: z.string(), details: z.object({ causes: z.array(z.unknown()) }) })
    .parse(body);
  expect(status).toBe(422);
  expect(details.causes).toHaveLength(500);
  expect(message).toMatch(/, and 1500 more\]$/);
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
