import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { limitProcess } from './process-limits.ts';
import { measureProcess } from './process-size.ts';
import { startQuickRig } from './quick-rig.ts';
import type { QuickRig } from './quick-rig.ts';

const rounds = 30;
const jobsPerRound = 10;
const readersPerRound = 10;
const fewDescriptors = 256;

let rig: QuickRig;

beforeAll(async () => {
  rig = await startQuickRig({ writeLog: (response) => response.end('a word\n') });
  rig.service.start();
  await rig.service.untilReady();
});

afterAll(async () => {
  await rig.stop();
});

const descriptors = () => measureProcess(rig.service.pid())?.descriptors ?? Number.NaN;

/** Connects, reads the first of it, and goes away. */
async function readAndLeave(path: string): Promise<void> {
  const request = get(rig.service.url + path, { agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  answer.on('error', () => {});
  if (path.includes('/events')) await once(answer, 'data');
  answer.destroy();
}

/** Jobs from their start to their end, and readers that come and go meanwhile. */
async function runRound(): Promise<void> {
  const ids = await Promise.all(Array.from({ length: jobsPerRound }, () => rig.submit()));
  const readers = Array.from({ length: readersPerRound }, (_none, n) =>
    readAndLeave(n % 2 === 0 ? '/api/v1/events' : `/api/v1/jobs/${ids[n % jobsPerRound]}/events?follow=true`),
  );
  await Promise.all([
    ...readers,
    ...ids.map((id, n) => readAndLeave(`/api/v1/jobs/${id}/logs?follow=${n % 2 === 0}`)),
  ]);
  await Promise.all(ids.map((id) => rig.untilState(id, 'SUCCEEDED')));
}

test('fault 26: hundreds of jobs and readers that come and go leave no descriptor behind, and need few at once', async () => {
  await limitProcess(rig.service.pid(), 'nofile', fewDescriptors);
  await runRound();
  // What the test itself keeps open goes away by itself, after a while.
  await until(() => descriptors() < fewDescriptors / 2);
  let start = Infinity;
  await until(
    () => {
      const before = start;
      start = descriptors();
      return before === start;
    },
    { everyMs: 500 },
  );
  for (let round = 0; round < rounds; round += 1) await runRound();
  await until(() => descriptors() <= start + 5, { timeoutMs: 60_000 });
  expect((await rig.findHealth()).degraded).toEqual([]);
  expect(rig.service.logLines()).toEqual([]);
});
