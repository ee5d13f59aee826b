import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { post } from './api-call.ts';
import { findFaults } from './checker.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const hour = 3_600_000;
const dir = mkdtempSync(join(tmpdir(), 'jobspawn-clock-'));
const shiftFile = join(dir, 'shift');
let rig: Rig;

beforeAll(async () => {
  rig = await startRig({ env: { CLOCK_SHIFT_FILE: shiftFile, TZ: 'Europe/Berlin' } });
});

afterEach(async () => {
  await rig.service.kill();
  rig.proxy.calm();
});

afterAll(async () => {
  await rig.stop();
  rmSync(dir, { recursive: true });
});

async function startAt(shiftMs: number): Promise<void> {
  writeFileSync(shiftFile, String(shiftMs));
  rig.service.start([], ['./test/faults/shifted-clock.ts']);
  await rig.service.untilReady();
}

async function setClock(shiftMs: number): Promise<void> {
  writeFileSync(shiftFile, String(shiftMs));
  process.kill(rig.service.pid(), 'SIGUSR2');
  await until(() => rig.service.logLines().includes(`the clock is off by ${shiftMs} ms`));
}

/** A job that would outlive its deadline by far. */
async function submitEndless(): Promise<string> {
  const { text } = await post(`${rig.service.url}/api/v1/jobs`, {
    name: 'endless',
    command: ['sh', '-c', 'sleep 600'],
    activeDeadlineSeconds: 3,
  });
  return z.object({ id: z.string() }).parse(JSON.parse(text)).id;
}

const submitThree = () =>
  Promise.all(
    (['SUCCEEDED', 'FAILED', 'SUCCEEDED'] as const).map((outcome) =>
      rig.client.submit({ outcome, handle: 'key', seconds: 0.5 }),
    ),
  );

async function expectDeadlineToHold(id: string): Promise<void> {
  expect(await rig.untilEnded(id)).toMatchObject({ state: 'FAILED', reason: 'DeadlineExceeded' });
}

test.each([
  ['forward', 3 * hour],
  ['back', -3 * hour],
])(
  'fault 20: a clock that is put %s by hours between a create and its repeat costs no job, no second run and no deadline',
  async (_direction, jump) => {
    await startAt(0);
    const endless = await submitEndless();
    await rig.untilRow(endless, ({ state }) => state === 'RUNNING');
    // Nothing was made, but nobody can know that.
    const unclear = rig.proxy.inject({
      name: 'create: 504',
      method: 'POST',
      path: /\/jobs$/,
      times: 2,
      action: { kind: 'answer', with: { code: 504, reason: 'Timeout' } },
    });
    await submitThree();
    await until(() => unclear.hits() > 0);
    await setClock(jump);
    expect(findFaults(await rig.conclude({ timeoutMs: 60_000 }))).toEqual([]);
    await expectDeadlineToHold(endless);
  },
);

test.each([
  ['spring', '2026-03-29T00:59:59Z'],
  ['autumn', '2026-10-25T00:59:59Z'],
])('fault 20: jobs that run while the clocks change in %s have one run each', async (_season, instant) => {
  await startAt(Date.parse(instant) - Date.now());
  const endless = await submitEndless();
  await submitThree();
  expect(findFaults(await rig.conclude())).toEqual([]);
  await expectDeadlineToHold(endless);
});
