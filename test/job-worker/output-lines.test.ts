import { describe, expect, test } from '@jest/globals';
import { array, assert, constantFrom, option, property, string } from 'fast-check';
import { createLineReader, createTail, findMark } from '../../src/job-worker/output-lines.ts';
import { toTerminationMessage } from '../../src/job-worker/termination-message.ts';

describe('the line reader', () => {
  test('finds the same lines however the stream is cut', () => {
    assert(
      property(array(string({ unit: constantFrom('a', 'é', '\n') })), (chunks) => {
        const lines: string[] = [];
        const reader = createLineReader(1000, (line) => lines.push(line.toString()));
        for (const byte of chunks.map((chunk) => Buffer.from(chunk))) reader.take(byte);
        reader.end();
        expect(lines).toEqual(
          chunks
            .join('')
            .split('\n')
            .filter((line) => line !== ''),
        );
      }),
    );
  });

  test('keeps no more of a line than asked, and says so', () => {
    const lines: [string, boolean][] = [];
    const reader = createLineReader(4, (line, whole) => lines.push([line.toString(), whole]));
    for (const chunk of ['abc', 'def', 'ghi\nabcd\nab', 'cde']) reader.take(Buffer.from(chunk));
    reader.end();
    expect(lines).toEqual([
      ['abcd', false],
      ['abcd', true],
      ['abcd', false],
    ]);
  });
});

describe('a marked line', () => {
  test.each([
    ['JOBSPAWN_PROGRESS 40', { kind: 'progress', progress: 40, message: null }],
    ['JOBSPAWN_PROGRESS 40.5% of it \r', { kind: 'progress', progress: 40.5, message: 'of it' }],
    ['JOBSPAWN_PROGRESS 0 begun', { kind: 'progress', progress: 0, message: 'begun' }],
    ['JOBSPAWN_PROGRESS 101', null],
    ['JOBSPAWN_PROGRESS -1', null],
    ['JOBSPAWN_PROGRESS half', null],
    ['JOBSPAWN_PROGRESS ', null],
    [' JOBSPAWN_PROGRESS 40', null],
    ['JOBSPAWN_RESULT {"a":[1]}', { kind: 'result', result: { a: [1] } }],
    ['JOBSPAWN_RESULT all done', { kind: 'result', result: 'all done' }],
    ['JOBSPAWN_RESULTS 1', null],
    ['', null],
  ])('%j means %j', (line, mark) => {
    expect(findMark(Buffer.from(line))).toEqual(mark);
  });
});

test('the tail holds the last whole lines', () => {
  const tail = createTail(12);
  for (const chunk of ['first\nsec', 'ond\nthird\n', 'four\n']) tail.take(Buffer.from(chunk));
  expect(tail.lines(10)).toBe('third\nfour');
  expect(tail.lines(1)).toBe('four');
});

describe('the termination message', () => {
  test('is JSON that fits 4096 bytes, whatever the message and the result are', () => {
    assert(
      property(
        string({ unit: 'binary', maxLength: 6000, size: 'max' }),
        option(string({ maxLength: 6000, size: 'max' })),
        (message, result) => {
          const line = toTerminationMessage({ status: 'ERROR', message, result, exitCode: 1 });
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096);
          const parsed: unknown = JSON.parse(line);
          expect(parsed).toMatchObject({ status: 'ERROR' });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('loses its result before a character of its message', () => {
    const message = 'm'.repeat(4000);
    expect(toTerminationMessage({ status: 'ERROR', message, result: 'r'.repeat(100), exitCode: 1 })).toBe(
      JSON.stringify({ status: 'ERROR', message }),
    );
  });

  test('is shortened by no more than needed and between characters', () => {
    const line = toTerminationMessage({ status: 'ERROR', message: '😀'.repeat(2000), exitCode: 1 });
    expect(JSON.parse(line)).toEqual({ status: 'ERROR', message: '😀'.repeat(1016) });
  });
});
