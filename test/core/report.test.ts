import { expect, test } from '@jest/globals';
import { parseInput } from '../../src/core/parse.ts';
import { reportFormSchema, reportSchema, terminalOf } from '../../src/core/report.ts';

test.each([
  ['SUCCESS', 'SUCCESS'],
  ['success', 'SUCCESS'],
  [' Done ', 'SUCCESS'],
  ['eRRor', 'ERROR'],
  ['Processing...', null],
  ['SUCCESSFUL', null],
])('the status "%s" is terminal as %s', (status, terminal) => {
  expect(terminalOf(status)).toBe(terminal);
});

test('a form says the same as JSON: numbers and JSON as text, an empty field is an absent one', () => {
  const form = { 'job-id': 'a', status: 'Half', progress: '50', task: '2', result: '{"n":1}', message: '' };
  expect(parseInput(reportFormSchema, form, 'The report')).toEqual({
    'job-id': 'a',
    status: 'Half',
    progress: 50,
    task: 2,
    result: { n: 1 },
  });
});

test('a result that is no JSON is taken as text', () => {
  const report = parseInput(
    reportFormSchema,
    { 'job-id': 'a', status: 'Done', result: 'all good' },
    'The report',
  );
  expect(report.result).toBe('all good');
});

test.each<[string, object]>([
  ['a status of 257 characters', { status: 'x'.repeat(257) }],
  ['a blank status', { status: '  ' }],
  ['progress above 100', { progress: 101 }],
  ['a negative task', { task: -1 }],
  ['a result with a number that JSON cannot hold', { result: { x: [Infinity] } }],
  ['a result above 64 KiB', { result: 'é'.repeat(33 * 1024) }],
  ['an unknown field', { state: 'x' }],
])('%s is refused', (_name, changes) => {
  expect(() => parseInput(reportSchema, { 'job-id': 'a', status: 'ok', ...changes }, 'The report')).toThrow(
    'a fault',
  );
});

test('a worker that cuts its text in the middle of a character is heard all the same', () => {
  const report = { 'job-id': 'a', status: 'Done \ud83d', message: '\ud83d\ude00\ud83d' };
  expect(parseInput(reportSchema, report, 'The report')).toMatchObject({
    status: 'Done \ufffd',
    message: '\ud83d\ude00\ufffd',
  });
});

test('a number that is none in a form is refused as what it is', () => {
  expect(() =>
    parseInput(reportFormSchema, { 'job-id': 'a', status: 'ok', progress: 'half' }, 'The report'),
  ).toThrow(expect.objectContaining({ faults: [{ pointer: '/progress', detail: 'must be a number' }] }));
});

function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

test('a result may be nested 100 levels deep; a deeper one is a fault, however deep', () => {
  const parse = (levels: number) =>
    parseInput(reportSchema, { 'job-id': 'a', status: 'ok', result: nested(levels) }, 'The report');
  expect(parse(100).result).toEqual(nested(100));
  for (const levels of [101, 20_000]) {
    expect(() => parse(levels)).toThrow(
      expect.objectContaining({
        faults: [{ pointer: '/result', detail: 'must be nested at most 100 levels deep' }],
      }),
    );
  }
});
