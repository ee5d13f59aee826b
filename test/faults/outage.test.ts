import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { findFaults } from './checker.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';

const keyed = { outcome: 'SUCCEEDED', handle: 'key' } as const;
let rig: Rig;

beforeAll(async () => {
  // One at a time, so that there is an order to look at.
  rig = await startRig({ env: { MAX_ACTIVE: '1', MAX_QUEUED: '8' } });
});

afterAll(() => rig.stop());

test('fault 10: while the API server is away accepts go on up to a bound, through a kill as well; afterwards the queue drains in order', async () => {
  rig.service.start();
  await rig.service.untilReady();
  await rig.proxy.down();
  for (let n = 0; n < 4; n += 1) await rig.client.submit(keyed);
  await until(async () => (await rig.service.readyz())?.text.includes('cannot be watched'));
  expect(await rig.service.readyz()).toMatchObject({ status: 200 });

  await rig.service.kill();
  rig.service.start();
  for (let n = 0; n < 4; n += 1) await rig.client.submit(keyed);
  expect(await rig.service.readyz()).toMatchObject({ status: 503 });
  expect((await rig.listRows()).map(({ state }) => state)).toEqual(Array(8).fill('QUEUED'));
  expect(rig.proxy.created).toEqual([]);

  const beyond = await fetch(`${rig.service.url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'one too many' }),
  });
  expect(beyond.status).toBe(503);
  expect(Number(beyond.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await rig.listRows()).toHaveLength(8);

  await rig.proxy.up();
  expect(findFaults(await rig.conclude())).toEqual([]);
  const accepted = rig.client.asked.map(({ answers }) => answers[0]);
  expect(rig.proxy.created.map(({ jobId }) => jobId)).toEqual(accepted);
});
