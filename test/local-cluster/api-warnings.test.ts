import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiUnderTest, Reply } from './api-under-test.ts';
import { json, jobsPath, minimalJob, startTestApi } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const create = (name: string, spec: object) =>
  api.ask(jobsPath, { method: 'POST', headers: json, body: minimalJob(name, { spec }) });

/** Node reads each byte of a header as a character; here they are UTF-8 again. */
const warningOf = ({ headers }: Reply) => Buffer.from(headers.warning ?? '', 'latin1').toString('utf8');

describe('a warning', () => {
  test.each([
    ['cyrillic', 'ключ', 'ключ'],
    ['a-line-feed', 'a\nb', String.raw`a\\nb`],
    ['a-control', 'a\u0085b', 'a\uFFFDb'],
    ['half-a-pair', 'a\ud800b', String.raw`a\\ud800b`],
  ])('may be about any field: %s', async (name, field, shown) => {
    const reply = await create(name, { [field]: 1 });
    expect(reply.status).toBe(201);
    expect(warningOf(reply)).toBe(String.raw`299 - "unknown field \"spec.${shown}\""`);
  });

  test('leaves the body as it is, in whatever script', async () => {
    const body = { ...minimalJob('b'), metadata: { name: 'b', annotations: { note: 'заметка' } }, ключ: 1 };
    const reply = await api.ask(jobsPath, { method: 'POST', headers: json, body });
    expect(warningOf(reply)).toContain('ключ');
    expect(reply.body).toMatchObject({ metadata: { annotations: { note: 'заметка' } } });
  });
});

const fields = (count: number, length: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, nth) => [`${nth}`.padEnd(length, 'x'), 1]));

describe('many warnings', () => {
  test('come whole while they are short together', async () => {
    const reply = await create('few', fields(10, 300));
    const warnings = warningOf(reply).split(', 299 ');
    expect(warnings).toHaveLength(10);
    for (const warning of warnings) expect(warning).toContain('x'.repeat(295));
  });

  test('are cut, and at last left out, so that clients can read the headers', async () => {
    const reply = await create('many', fields(150, 300));
    expect(reply.status).toBe(201);
    const warnings = warningOf(reply).split(', 299 ');
    expect(warnings).toHaveLength(4096 / 256);
    for (const warning of warnings) expect(warning).toContain('x'.repeat(230));
    for (const warning of warnings) expect(warning).not.toContain('x'.repeat(256));
  });

  test('of one and the same text are one', async () => {
    const body = JSON.stringify(minimalJob('twice')).replace('"spec":{', '"spec":{"a":1,"a":2,"a":3,');
    const reply = await api.ask(jobsPath, { method: 'POST', headers: json, body });
    expect(warningOf(reply).match(/duplicate field/g)).toHaveLength(1);
  });
});
