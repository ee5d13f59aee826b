import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/core/app-error.ts';
import type { Fault } from '../../src/core/app-error.ts';
import { jobRequestSchema, jobSpecSchema, toAsked, toJobSpec } from '../../src/core/job-request.ts';
import { parseInput } from '../../src/core/parse.ts';

function faultsOf(body: unknown): readonly Fault[] {
  try {
    parseInput(jobRequestSchema, body, 'The request');
    return [];
  } catch (error) {
    if (error instanceof AppError) return error.faults;
    throw error;
  }
}

test('a name is enough; the rest is the contract’s defaults', () => {
  const request = parseInput(jobRequestSchema, { name: '  Nightly  ' }, 'The request');
  expect(request.name).toBe('Nightly');
  expect(toJobSpec(request, 'jobspawn-worker')).toEqual({
    image: 'jobspawn-worker',
    command: [],
    args: [],
    env: {},
    resources: { cpu: '100m', memory: '128Mi' },
    parallelism: 1,
    completions: 1,
    completionMode: 'NonIndexed',
    backoffLimit: 0,
    restartPolicy: 'Never',
    activeDeadlineSeconds: 900,
    ttlSecondsAfterFinished: 3600,
    priority: 0,
  });
});

test('one half of the resources keeps the default of the other', () => {
  const { resources } = parseInput(jobRequestSchema, { name: 'a', resources: { cpu: '2' } }, 'The request');
  expect(resources).toEqual({ cpu: '2', memory: '128Mi' });
});

test('all faults are listed at once, each with the pointer to its place', () => {
  const body = { name: '', args: [1], colour: 'red', ttlSecondsAfterFinished: 59, resources: { disk: '1' } };
  expect(faultsOf(body)).toEqual(
    expect.arrayContaining([
      { pointer: '/name', detail: 'must have at least 1 character' },
      { pointer: '/args/0', detail: 'must be a string' },
      { pointer: '/colour', detail: 'is not a known field' },
      { pointer: '/ttlSecondsAfterFinished', detail: 'must be at least 60' },
      { pointer: '/resources/disk', detail: 'is not a known field' },
    ]),
  );
  expect(faultsOf(body)).toHaveLength(5);
});

test.each<[string, unknown, string]>([
  ['a missing name', {}, '/name'],
  ['a name of two lines', { name: 'a\nb' }, '/name'],
  ['an id that is no label value', { name: 'a', id: 'a b' }, '/id'],
  ['an id of 64 characters', { name: 'a', id: 'a'.repeat(64) }, '/id'],
  ['an argument that Linux would refuse', { name: 'a', args: ['x'.repeat(128 * 1024)] }, '/args/0'],
  ['a NUL in an argument', { name: 'a', command: ['a\0b'] }, '/command/0'],
  ['a variable of our own', { name: 'a', env: { JOBSPAWN_TOKEN: 'x' } }, '/env/JOBSPAWN_TOKEN'],
  ['a variable with a slash', { name: 'a', env: { 'A/B': 'x' } }, '/env/A~1B'],
  ['no cpu at all', { name: 'a', resources: { cpu: '0' } }, '/resources/cpu'],
  ['a fraction of a completion', { name: 'a', completions: 1.5 }, '/completions'],
  ['an unknown completion mode', { name: 'a', completionMode: 'Both' }, '/completionMode'],
  ['a priority out of range', { name: 'a', priority: 101 }, '/priority'],
  ['an image with a space', { name: 'a', image: 'a b' }, '/image'],
  ['a list in place of an object', [], ''],
])('%s is a fault at its place', (_name, body, pointer) => {
  expect(faultsOf(body).map((fault) => fault.pointer)).toEqual([pointer]);
});

test('text that is no valid Unicode is a fault wherever it stands', () => {
  const half = '\ud83d';
  const body = { name: half, image: half, command: ['a', half], args: [half], env: { A: `x${half}` } };
  expect(faultsOf(body)).toEqual(
    ['/name', '/image', '/command/1', '/args/0', '/env/A'].map((pointer) => ({
      pointer,
      detail: 'must be valid Unicode',
    })),
  );
  expect(faultsOf({ name: 'a', args: ['\ud83d\ude00'] })).toEqual([]);
});

test('a job that was accepted with such a text can still be read', () => {
  const { id: _id, name: _name, ...spec } = parseInput(jobRequestSchema, { name: 'a' }, 'The request');
  const stored = { ...spec, image: 'busybox', args: ['\ud83d'] };
  expect(jobSpecSchema.parse(stored)).toEqual(stored);
});

test('a variable called __proto__ is a fault, and not dropped without a word', () => {
  expect(faultsOf(JSON.parse('{"name":"a","env":{"__proto__":"x","TZ":"UTC"}}'))).toEqual([
    { pointer: '/env/__proto__', detail: 'is not a name that a variable can have' },
  ]);
});

test('variables that are no object are a fault of their own', () => {
  expect(faultsOf({ name: 'a', env: null })).toEqual([{ pointer: '/env', detail: 'must be an object' }]);
});

function asked(body: object): unknown {
  return toAsked(parseInput(jobRequestSchema, { name: 'a', ...body }, 'The request'));
}

describe('what was asked for', () => {
  test('leaves out what would have been the same anyway, in all depths', () => {
    expect(asked({})).toEqual({ name: 'a' });
    expect(asked({ args: [], env: {}, image: null, resources: { cpu: '100m' } })).toEqual({ name: 'a' });
    expect(asked({ priority: 1, resources: { cpu: '2', memory: '128Mi' } })).toEqual({
      name: 'a',
      priority: 1,
      resources: { cpu: '2' },
    });
  });

  test('keeps everything else', () => {
    const body = { id: 'mine', name: 'a', args: ['x'], env: { A: '' }, completionMode: 'Indexed' };
    expect(asked(body)).toEqual(body);
  });
});
