import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestApp } from '../support/running-app.ts';
import { until } from '../support/until.ts';

let app: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.stop());

const readLog = async (id: string, query: string) =>
  (await fetch(`${app.url}/api/v1/jobs/${id}/logs${query}`)).text();

test('whoever asks for the log of a job that is being cancelled gets what it wrote, at any moment', async () => {
  const script = 'echo at work; trap "exit 1" TERM; while :; do sleep 0.02; done';
  const { id } = await app.submit({ name: 'cancelled', command: ['sh', '-c', script] });
  await until(async () => (await readLog(id, '')) === 'at work\n');
  const cancelling = fetch(`${app.url}/api/v1/jobs/${id}/cancel`, { method: 'POST' });
  const answers: Promise<string>[] = [];
  for (let moment = 0; moment < 100; moment += 1) {
    answers.push(readLog(id, ''), readLog(id, '?follow=true'));
    await pause(3);
  }
  expect((await cancelling).status).toBe(202);
  expect((await app.untilDone(id)).state).toBe('CANCELLED');
  expect([...new Set(await Promise.all(answers))]).toEqual(['at work\n']);
});
