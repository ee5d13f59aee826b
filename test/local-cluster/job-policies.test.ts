import { describe, expect, test } from '@jest/globals';
import { assert, nat, property, uniqueArray } from 'fast-check';
import { matchFailurePolicy } from '../../src/local-cluster/job-controller/failure-policy.ts';
import { parseIndexes, toIndexText } from '../../src/local-cluster/job-controller/index-ranges.ts';
import { compareByLoss, toFinishTime } from '../../src/local-cluster/job-controller/pod-state.ts';
import {
  countFailures,
  defaultBackoff,
  toDelay,
} from '../../src/local-cluster/job-controller/retry-delay.ts';
import { matchSuccessPolicy } from '../../src/local-cluster/job-controller/success-policy.ts';
import type { Job, Pod } from '../../src/local-cluster/objects.ts';

const metadata = {
  name: 'it',
  namespace: 'here',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2030-01-01T00:00:00Z',
};

const toPod = (status: Pod['status'], over: Partial<Pod['metadata']> = {}, nodeName?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...metadata, ...over },
  spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
  status,
});

const toJob = (spec: Omit<Job['spec'], 'template'>): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata,
  spec: { ...spec, template: {} },
  status: {},
});

const ended = (name: string, exitCode: number, finishedAt?: string) => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode, ...(finishedAt === undefined ? {} : { finishedAt }) } },
});

describe('index ranges', () => {
  test.each([
    [[], ''],
    [[3], '3'],
    [[0, 1], '0,1'],
    [[0, 1, 2], '0-2'],
    [[0, 2, 3, 4, 7], '0,2-4,7'],
  ])('%j is written %j', (indexes, text) => {
    expect(toIndexText(new Set(indexes))).toBe(text);
  });

  test('what is written reads back as it was', () => {
    assert(
      property(uniqueArray(nat(60)), (indexes) => {
        expect(parseIndexes(toIndexText(new Set(indexes)), 61)).toEqual(new Set(indexes));
      }),
    );
  });

  test('indexes that the Job does not have are dropped', () => {
    expect(parseIndexes('0,3-9', 5)).toEqual(new Set([0, 3, 4]));
    expect(parseIndexes(undefined, 5)).toEqual(new Set());
  });
});

describe('podFailurePolicy', () => {
  const pod = toPod({
    containerStatuses: [ended('main', 0), ended('side', 5)],
    initContainerStatuses: [ended('first', 7)],
    conditions: [{ type: 'DisruptionTarget', status: 'True' }],
  });
  const match = (...rules: NonNullable<Job['spec']['podFailurePolicy']>['rules']) =>
    matchFailurePolicy({ rules }, pod);

  test.each([
    ['In', [5], undefined, 'Ignore'],
    ['In', [7], undefined, 'Ignore'],
    ['In', [5], 'main', undefined],
    ['In', [0], undefined, undefined],
    ['NotIn', [5, 7], undefined, undefined],
    ['NotIn', [1], 'main', undefined],
    ['NotIn', [1], 'side', 'Ignore'],
  ])('exit codes %s %j of container %s give %s', (operator, values, containerName, action) => {
    expect(match({ action: 'Ignore', onExitCodes: { operator, values, containerName } }).action).toBe(action);
  });

  test('the first rule that matches decides', () => {
    const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
    const rules = [
      { action: 'Count', onExitCodes: { operator: 'In', values: [99] } },
      { action: 'FailIndex', onPodConditions },
      { action: 'FailJob', onPodConditions },
    ];
    expect(match(...rules)).toEqual({ action: 'FailIndex', counts: true });
  });

  test('FailJob on a condition says which', () => {
    const rule = { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };
    expect(match(rule).failure).toBe(
      'Pod here/it has condition DisruptionTarget matching FailJob rule at index 0',
    );
  });

  test('without a policy or a match the failure counts', () => {
    expect(matchFailurePolicy(undefined, pod)).toEqual({ action: undefined, counts: true });
    expect(match({ action: 'Ignore', onPodConditions: [{ type: 'Other', status: 'True' }] }).counts).toBe(
      true,
    );
  });
});

describe('successPolicy', () => {
  test.each([
    [[{ succeededIndexes: '0-1' }], [0], undefined],
    [[{ succeededIndexes: '0-1' }], [0, 1], 'Matched rules at index 0'],
    [[{ succeededIndexes: '0-3', succeededCount: 2 }], [1, 3], 'Matched rules at index 0'],
    [[{ succeededIndexes: '1,3-4,6-7' }], [7, 3, 4, 0, 1, 5], undefined],
    [[{ succeededIndexes: '1,3-4,6-7' }], [7, 3, 4, 6, 1], 'Matched rules at index 0'],
    [[{ succeededCount: 2 }], [4], undefined],
    [[{ succeededIndexes: '9' }, { succeededCount: 1 }], [4], 'Matched rules at index 1'],
    [[{ succeededCount: 1 }], [], undefined],
  ])('%j with %j succeeded gives %s', (rules, succeeded, message) => {
    expect(matchSuccessPolicy(toJob({ completions: 10, successPolicy: { rules } }), new Set(succeeded))).toBe(
      message,
    );
  });

  test('rules may name more indexes than a set can hold', () => {
    const rules = [{ succeededIndexes: '0-19999999', succeededCount: 2 }, { succeededIndexes: '7-8,11' }];
    const job = toJob({ completions: 20_000_000, successPolicy: { rules } });
    expect(matchSuccessPolicy(job, new Set([7]))).toBeUndefined();
    expect(matchSuccessPolicy(job, new Set([19_999_999, 7]))).toBe('Matched rules at index 0');
  });
});

describe('the delay of a retry', () => {
  test.each([
    [0, 0],
    [1, 10_000],
    [2, 20_000],
    [6, 320_000],
    [7, 600_000],
    [2_000, 600_000],
  ])('after %i failures in a row is %i ms', (failures, delay) => {
    expect(toDelay(failures, defaultBackoff)).toBe(delay);
  });

  test('counts the failures since the last success', () => {
    const finishes = [
      { at: 1_000, failed: true },
      { at: 2_000, failed: false },
      { at: 2_000, failed: true },
      { at: 3_000, failed: true },
    ];
    expect(countFailures(finishes)).toEqual({ count: 1, lastAt: 3_000 });
    expect(countFailures([]).count).toBe(0);
  });
});

describe('the end of a pod', () => {
  const late = '2030-01-01T00:00:09Z';
  test.each([
    [
      'its last container',
      toPod({ containerStatuses: [ended('a', 0, '2030-01-01T00:00:05Z'), ended('b', 0, late)] }),
    ],
    ['its readiness', toPod({ conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: late }] })],
    [
      'its deletion',
      toPod({}, { deletionTimestamp: '2030-01-01T00:00:39Z', deletionGracePeriodSeconds: 30 }),
    ],
    ['its creation', toPod({}, { creationTimestamp: late })],
  ])('is read from %s', (_what, pod) => {
    expect(toFinishTime(pod)).toBe(Date.parse(late));
  });
});

test('pods that are the least loss go first: unbound, pending, unready, young', () => {
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const pods = [
    toPod(ready, { name: 'old', creationTimestamp: '2029-01-01T00:00:00Z' }, 'local'),
    toPod(ready, { name: 'young' }, 'local'),
    toPod({ phase: 'Pending' }, { name: 'bound' }, 'local'),
    toPod({ phase: 'Running' }, { name: 'unready' }, 'local'),
    toPod({ phase: 'Pending' }, { name: 'unbound' }),
  ];
  const order = pods.toSorted(compareByLoss).map((pod) => pod.metadata.name);
  expect(order).toEqual(['unbound', 'bound', 'unready', 'young', 'old']);
});
