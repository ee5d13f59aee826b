import { describe, expect, test } from '@jest/globals';
import { jobSpecSchema } from '../../src/core/job-request.ts';
import { findPolicyFaults } from '../../src/core/spec-policy.ts';
import type { SpecPolicy } from '../../src/core/spec-policy.ts';
import { anySpec } from '../support/any-spec.ts';

function faultsOf(policy: Partial<SpecPolicy>, spec: object = {}) {
  return findPolicyFaults({ ...anySpec, ...policy }, jobSpecSchema.parse({ image: 'worker:1', ...spec }));
}

test('without a policy any image runs, and as much as is asked for', () => {
  const greedy = { resources: { cpu: '9999', memory: '999Ti' }, parallelism: 1000 };
  expect(faultsOf({}, { image: 'evil.example/x', ...greedy, activeDeadlineSeconds: 1e9 })).toEqual([]);
});

describe('an image', () => {
  test.each([
    ['worker:1', 'worker:1', true],
    ['worker:1', 'worker:10', false],
    ['worker:*', 'worker:10', true],
    ['ghcr.io/acme/*', 'ghcr.io/acme/a/b:1', true],
    ['ghcr.io/acme/*', 'ghcr.io/acme-evil/a', false],
    ['ghcr.io/acme/*', 'evil.example/ghcr.io/acme/a', false],
    ['ghcr.io/acme/*', 'GHCR.io/acme/a', false],
    ['*', 'evil.example:5000/x', true],
  ])('is held to the pattern %s: %s', (pattern, image, isAllowed) => {
    expect(faultsOf({ images: [pattern] }, { image }).length === 0).toBe(isAllowed);
  });

  test.each(['node.example.com/x', 'node:5000/x'])(
    'of another registry, %s, is not covered by "node*"',
    (image) => {
      expect(faultsOf({ images: ['node*'] }, { image })).toHaveLength(1);
      expect(faultsOf({ images: ['node*'] }, { image: 'node:24' })).toEqual([]);
    },
  );

  test('is named by one of several patterns, and the fault lists them', () => {
    const images = ['a/*', 'b/*'];
    expect(faultsOf({ images }, { image: 'b/x' })).toEqual([]);
    expect(faultsOf({ images }, { image: 'c/x' })).toEqual([
      { pointer: '/image', detail: 'must be an allowed image: a/*, b/*' },
    ]);
  });

  test('needs a whole digest where one is required', () => {
    const digest = `sha256:${'0a'.repeat(32)}`;
    expect(faultsOf({ requireDigest: true }, { image: `worker:1@${digest}` })).toEqual([]);
    for (const image of [
      'worker:1',
      `worker@${digest.slice(0, -1)}`,
      `worker@${digest}0`,
      `worker@${digest.toUpperCase()}`,
    ]) {
      expect(faultsOf({ requireDigest: true }, { image })).toEqual([
        { pointer: '/image', detail: 'must end in its digest, "@sha256:" and 64 digits' },
      ]);
    }
  });
});

describe('an amount', () => {
  test.each([
    ['2', '2000m', '2.001'],
    ['500m', '0.5', '501m'],
    ['0.25', '250m', '1'],
  ])('of cpu is at most %s: %s, but not %s', (cpu, fits, isMore) => {
    expect(faultsOf({ cpu }, { resources: { cpu: fits } })).toEqual([]);
    expect(faultsOf({ cpu }, { resources: { cpu: isMore } })).toEqual([
      { pointer: '/resources/cpu', detail: `must be at most ${cpu}` },
    ]);
  });

  test.each([
    ['1Gi', '1024Mi', '1025Mi'],
    ['1G', '1000M', '1Gi'],
    ['1000', '1k', '1Ki'],
    ['4Ti', '4398046511104', '4398046511105'],
  ])('of memory is at most %s: %s, but not %s', (memory, fits, isMore) => {
    expect(faultsOf({ memory }, { resources: { memory: fits } })).toEqual([]);
    expect(faultsOf({ memory }, { resources: { memory: isMore } })).toEqual([
      { pointer: '/resources/memory', detail: `must be at most ${memory}` },
    ]);
  });

  test.each(['parallelism', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'])(
    'of %s has its bound',
    (field) => {
      expect(faultsOf({ [field]: 70 }, { ...patient, [field]: 70 })).toEqual([]);
      expect(faultsOf({ [field]: 70 }, { ...patient, [field]: 71 })).toEqual([
        { pointer: `/${field}`, detail: 'must be at most 70' },
      ]);
    },
  );
});

const patient = { activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 60 };

test('all faults are told at once', () => {
  const policy = {
    images: ['a/*'],
    requireDigest: true,
    cpu: '50m',
    memory: '1Mi',
    parallelism: 1,
    activeDeadlineSeconds: 1,
    ttlSecondsAfterFinished: 60,
  };
  expect(faultsOf(policy, { parallelism: 2 }).map(({ pointer }) => pointer)).toEqual([
    '/image',
    '/image',
    '/resources/cpu',
    '/resources/memory',
    '/parallelism',
    '/activeDeadlineSeconds',
    '/ttlSecondsAfterFinished',
  ]);
});
