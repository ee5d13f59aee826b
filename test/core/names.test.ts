import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { drawNameSuffix, isNamespaceName, isObjectName, toNamePrefix } from '../../src/core/names.ts';

test.each([
  ['Nightly Report', 'nightly-report'],
  ['  --Émile & Zoë--  ', 'emile-zoe'],
  ['日本語', 'job'],
  ['***', 'job'],
  ['2026 close', '2026-close'],
])('the name "%s" gives the prefix %s', (name, prefix) => {
  expect(toNamePrefix(name)).toBe(prefix);
});

test('a name, its suffix and a task index fit a DNS label, whatever was typed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const name = `${toNamePrefix(text)}-${drawNameSuffix((bytes) => bytes.fill(7))}-99999`;
      expect(name.length).toBeLessThanOrEqual(63);
      expect(isNamespaceName(name)).toBe(true);
    }),
  );
});

test('a suffix is drawn evenly: bytes that would favour some characters are thrown away', () => {
  const draws = [
    Uint8Array.from([255, 243, 250, 0, 1, 2, 3, 4, 5, 6]),
    Uint8Array.from([26, 27, 242, 9, 9, 9, 9, 9, 9, 9]),
  ];
  expect(drawNameSuffix(() => draws.shift() ?? new Uint8Array(10))).toBe('bcdfghj9b9');
});

test.each(['..', 'a/b', 'a..b', 'A', '-a', 'a-', '', 'a'.repeat(254)])(
  '"%s" is no name of an object',
  (name) => {
    expect(isObjectName(name)).toBe(false);
  },
);

test('dots divide the name of an object, not of a namespace', () => {
  expect(isObjectName('a.b-c.d')).toBe(true);
  expect(isNamespaceName('a.b')).toBe(false);
});
