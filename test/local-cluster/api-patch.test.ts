import { describe, expect, test } from '@jest/globals';
import { mergePatch, parsePatch } from '../../src/local-cluster/api/patch.ts';
import { mergeStrategic } from '../../src/local-cluster/api/strategic-merge.ts';

const pod = {
  containers: [
    { name: 'main', image: 'a', env: [{ name: 'A', value: '1' }] },
    { name: 'side', image: 'b' },
  ],
  tolerations: [{ key: 'x' }],
};

describe('a strategic merge patch', () => {
  test('merges containers and their env by name, and leaves the others', () => {
    const patch = { containers: [{ name: 'main', env: [{ name: 'B', value: '2' }] }] };
    expect(mergeStrategic(pod, patch).containers).toEqual([
      {
        name: 'main',
        image: 'a',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      { name: 'side', image: 'b' },
    ]);
  });

  test('replaces lists that have no merge key', () => {
    expect(mergeStrategic(pod, { tolerations: [{ key: 'y' }] }).tolerations).toEqual([{ key: 'y' }]);
  });

  test('deletes an item by $patch, and orders by $setElementOrder', () => {
    const deleted = mergeStrategic(pod, { containers: [{ name: 'main', $patch: 'delete' }] });
    expect(deleted.containers).toEqual([{ name: 'side', image: 'b' }]);
    const order = { '$setElementOrder/containers': [{ name: 'side' }, { name: 'main' }] };
    const ordered = mergeStrategic(pod, { ...order, containers: [{ name: 'side', image: 'c' }] });
    expect(ordered.containers).toMatchObject([{ name: 'side', image: 'c' }, { name: 'main' }]);
  });

  test('adds to finalizers, and takes from them with $deleteFromPrimitiveList', () => {
    const metadata = { finalizers: ['a', 'b'] };
    expect(mergeStrategic(metadata, { finalizers: ['b', 'c'] }).finalizers).toEqual(['a', 'b', 'c']);
    const removal = { '$deleteFromPrimitiveList/finalizers': ['a'] };
    expect(mergeStrategic(metadata, removal).finalizers).toEqual(['b']);
  });

  test('replaces a map whole by $patch: replace, and removes a field by null', () => {
    const metadata = { labels: { a: '1' }, annotations: { n: 'x' } };
    const patch = { labels: { $patch: 'replace', b: '2' }, annotations: null };
    expect(mergeStrategic(metadata, patch)).toEqual({ labels: { b: '2' } });
  });

  test('takes names that every object has for fields like any other', () => {
    const patch = '{"constructor":[{"a":1}],"toString":{"b":2},"__proto__":{"c":3}}';
    const type = 'application/strategic-merge-patch+json';
    expect(JSON.stringify(parsePatch(Buffer.from(patch), type).apply({}))).toBe(patch);
  });

  test('deletes every item of that key, and may put one in their place', () => {
    const env = [{ name: 'A', value: '1' }, { name: 'B' }, { name: 'A', value: '2' }];
    const patch = {
      env: [
        { name: 'A', value: '3' },
        { name: 'A', $patch: 'delete' },
      ],
    };
    expect(mergeStrategic({ env }, patch).env).toEqual([{ name: 'B' }, { name: 'A', value: '3' }]);
  });

  test('refuses an item without its merge key', () => {
    expect(() => mergeStrategic(pod, { containers: [{ image: 'c' }] })).toThrow('declared merge key: name');
  });
});

describe('a merge patch', () => {
  test('follows RFC 7386', () => {
    const target = { a: 'b', c: { d: 'e', f: 'g' }, list: [1, 2] };
    const patch = { a: 'z', c: { f: null }, list: [3] };
    expect(mergePatch(target, patch)).toEqual({ a: 'z', c: { d: 'e' }, list: [3] });
  });

  test('cannot reach the prototype', () => {
    const patch: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    mergePatch({}, patch);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

const apply = (operations: unknown, document: unknown) =>
  parsePatch(Buffer.from(JSON.stringify(operations)), 'application/json-patch+json').apply(document);

describe('a JSON patch', () => {
  test('tests, adds, removes and replaces, and leaves the original alone', () => {
    const document = { labels: { a: '1' } };
    const operations = [
      { op: 'test', path: '/labels/a', value: '1' },
      { op: 'add', path: '/labels/example.com~1k', value: 'v' },
      { op: 'replace', path: '/labels/new', value: 'n' },
      { op: 'remove', path: '/labels/a' },
    ];
    expect(apply(operations, document)).toEqual({ labels: { 'example.com/k': 'v', new: 'n' } });
    expect(document).toEqual({ labels: { a: '1' } });
  });

  test('takes what is not there for null in a test', () => {
    expect(apply([{ op: 'test', path: '/b', value: null }], { a: 1 })).toEqual({ a: 1 });
  });

  test.each([
    ['a test for null of what is there', [{ op: 'test', path: '/a', value: null }]],
    ['a test that fails', [{ op: 'test', path: '/a', value: 2 }]],
    ['a remove of what is not there', [{ op: 'remove', path: '/b' }]],
    ['an unknown operation', [{ op: 'frobnicate', path: '/a' }]],
  ])('with %s is refused', (_name, operations) => {
    expect(() => apply(operations, { a: 1 })).toThrow('the server rejected our request');
  });
});

const doublings = (times: number) =>
  Array.from({ length: times }, (_, nth) => ({ op: 'copy', from: '', path: `/${nth}` }));

test('a JSON patch may copy, but not double an object until no memory is left', () => {
  expect(apply(doublings(2), { a: 1 })).toEqual({ a: 1, 0: { a: 1 }, 1: { a: 1, 0: { a: 1 } } });
  expect(() => apply(doublings(40), { a: 1 })).toThrow('the server rejected our request');
});

test.each(['text/plain', 'constructor'])('a patch of the type %s is refused', (type) => {
  expect(() => parsePatch(Buffer.from('{}'), type)).toThrow('415: Unsupported Media Type');
});

test('server-side apply is refused in a sentence that says what to do', () => {
  expect(() => parsePatch(Buffer.from('{}'), 'application/apply-patch+yaml')).toThrow(
    'use client-side apply',
  );
});
