import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Pool } from 'undici';
import { problemSchema } from '../../src/handlers/problem.ts';
import { startHttpSide } from '../http/http-side.ts';
import { anyRequest, malformedRequest } from './malformed-requests.ts';
import type { OddRequest } from './malformed-requests.ts';
import { readRouteTable } from './route-table.ts';
import type { KnownRoute } from './route-table.ts';

let side: Awaited<ReturnType<typeof startHttpSide>>;
let pool: Pool;
let routes: KnownRoute[];
beforeEach(async () => {
  side = await startHttpSide({ limits: { requestsPerSecond: 1_000_000 } });
  pool = new Pool(side.url, { connections: 8 });
  routes = await readRouteTable(side.url);
});
afterEach(async () => {
  await pool.close();
  await side.stop();
});

/** What is wrong with the answer; null if nothing is. */
async function findFault({
  method,
  target,
  headers,
  body,
  unknownFields,
}: OddRequest): Promise<string | null> {
  const answer = await pool.request({ method, path: target, headers, body, reset: false });
  const text = await answer.body.text();
  const { statusCode } = answer;
  if (statusCode < 400 || statusCode >= 500) return `${statusCode} to ${method} ${target}`;
  if (statusCode !== 400 || !String(answer.headers['content-type']).includes('json')) return null;
  const named = problemSchema.parse(JSON.parse(text)).errors?.map(({ pointer }) => pointer) ?? [];
  const missing = unknownFields.filter(
    (field) => !named.includes(`/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return missing.length === 0 ? null : `${JSON.stringify(missing)} not named by ${text}`;
}

/** 100 runs of 100. */
const atOnce = 100;
/** Shrinking a hundred requests would take long, and the fault names the one. */
const runs = { interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true, endOnFailure: true };

test('fault 27: 10,000 malformed requests to every route are each refused by name, and nothing of them is kept', async () => {
  const { id } = await side.submit();
  const before = { seq: side.store.lastSeq(), job: side.store.findJob(id) };
  const many = fc.array(malformedRequest(routes, id), { minLength: atOnce, maxLength: atOnce });
  await fc.assert(
    fc.asyncProperty(many, async (requests) => {
      const faults = await Promise.all(requests.map(findFault));
      expect(faults.filter((fault) => fault !== null)).toEqual([]);
    }),
    { ...runs, numRuns: 100 },
  );
  expect({ seq: side.store.lastSeq(), job: side.store.findJob(id) }).toEqual(before);
  expect(side.store.listJobs({ limit: 10 }).jobs).toHaveLength(1);
  // Nothing that came made anyone here look up.
  expect(side.lines.filter((line) => /"level":(40|50|60)/.test(line))).toEqual([]);
});

test('fault 27: whatever stands in the fields that there are, no answer is of the kind that says that we failed', async () => {
  const { id } = await side.submit();
  const many = fc.array(anyRequest(routes, id), { minLength: atOnce, maxLength: atOnce });
  await fc.assert(
    fc.asyncProperty(many, async (requests) => {
      const answers = await Promise.all(
        requests.map(async ({ method, target, headers, body }) => {
          const answer = await pool.request({ method, path: target, headers, body });
          // A stream that was asked for would go on.
          answer.body.on('error', () => {}).destroy();
          return answer.statusCode < 500 ? null : `${answer.statusCode} to ${method} ${target} ${body}`;
        }),
      );
      expect(answers.filter((fault) => fault !== null)).toEqual([]);
    }),
    { ...runs, numRuns: 20 },
  );
});
