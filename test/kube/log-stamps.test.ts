import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createStampReader } from '../../src/kube/log-stamps.ts';
import type { LogPosition } from '../../src/kube/log-stamps.ts';

function read(chunks: Buffer[], after: LogPosition | null = null, keepStamps = false) {
  const reader = createStampReader({ after, keepStamps });
  const out = chunks.flatMap((chunk) => [...reader.write(chunk)]);
  return { reader, text: Buffer.concat(out) };
}

const t = (second: number, rest = '') => `2026-11-20T23:36:${String(second).padStart(2, '0')}${rest}Z`;

test('times are taken off, and the rest stays to the byte', () => {
  const log = Buffer.from(`${t(1, '.5')} one\n${t(1, '.25')} \n${t(2)}  two  words\r\n${t(3)} no end`);
  expect(read([log]).text.toString()).toBe('one\n\n two  words\r\nno end');
  expect(read([log], null, true).text.toString()).toBe(log.toString());
});

test("a line without a time is the kubelet's, and stays", () => {
  expect(read([Buffer.from(`failed to open\n${t(1)} one\n`)]).text.toString()).toBe('failed to open\none\n');
});

test('what only resembles a time stays, and so does a line that is empty behind its time', () => {
  const words = ['2026-11-20T23:36:01,123456789Z comma', '2026-11-20T23:36:01.12345678xZ letter'];
  const log = [`${t(1, '.123456789')} one`, ...words, t(1, '.123456790'), `${t(1, '.123456791')} two`, ''];
  expect(read([Buffer.from(log.join('\n'))]).text.toString()).toBe(
    ['one', ...words, '', 'two', ''].join('\n'),
  );
});

test('a line that was held up keeps its own time', () => {
  const log = [1, 2, 1].map((second) => `${t(second, '.123456789')} words\n`);
  expect(read([Buffer.from(log.join(''))]).reader.position()).toMatchObject({ second: t(1) });
});

test('an empty line whose time is kept is not given again after a cut', () => {
  const [empty, next] = [`${t(1)}\n`, `${t(2)} two\n`];
  const { reader } = read([Buffer.from(empty)], null, true);
  expect(read([Buffer.from(empty + next)], reader.position(), true).text.toString()).toBe(next);
});

test('a time in another zone is the same time', () => {
  const { reader } = read([Buffer.from('2026-11-21T00:36:01.5+01:00 one\n')]);
  expect(reader.position()).toMatchObject({ second: '2026-11-20T23:36:01Z' });
});

const line = fc.record({
  second: fc.integer({ min: 0, max: 3 }),
  fraction: fc.constantFrom('', '.1', '.12', '.100000000', '.100000001', '.100000002'),
  words: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
});

test('whatever the chunks, and wherever a stream is cut, nothing is lost and nothing comes twice', () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 20 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(1000)),
      (lines, cuts, size) => {
        const sorted = lines.toSorted((a, b) => toNumber(a) - toNumber(b));
        const log = Buffer.concat(
          sorted.map(({ second, fraction, words }) =>
            Buffer.concat([Buffer.from(`${t(second, fraction)} `), words, Buffer.from('\n')]),
          ),
        );
        let position: LogPosition | null = null;
        const out: Buffer[] = [];
        for (const share of [...cuts.toSorted((a, b) => a - b), 1]) {
          const pass = log.subarray(0, Math.round(log.length * share));
          const chunks = Array.from({ length: Math.ceil(pass.length / size) }, (_, n) =>
            pass.subarray(n * size, (n + 1) * size),
          );
          const { reader, text } = read(chunks, position);
          out.push(text);
          position = reader.position();
        }
        const whole = Buffer.concat(sorted.map(({ words }) => Buffer.concat([words, Buffer.from('\n')])));
        expect(Buffer.concat(out)).toEqual(whole);
      },
    ),
    { numRuns: 500 },
  );
});

function toNumber({ second, fraction }: { second: number; fraction: string }): number {
  return second + Number(`0${fraction}`);
}
