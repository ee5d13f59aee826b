import { expect, test } from '@jest/globals';
import { createSteadyClock } from '../../src/control/steady-clock.ts';
import { until } from '../support/until.ts';

const hour = 3_600_000;
const noon = Date.parse('2026-03-29T12:00:00Z');

test.each([
  ['forward', 3 * hour],
  ['back', -3 * hour],
])('fault 20: a clock that is put %s by hours changes no pause and no age', (_direction, jump) => {
  let wall = noon;
  let uptime = 1000;
  const clock = createSteadyClock(
    () => new Date(wall),
    () => uptime,
  );
  expect(clock()).toEqual(new Date(noon));
  wall += jump;
  uptime += 2.5;
  expect(clock()).toEqual(new Date(noon + 2500));
});

test('a steady clock goes on by itself', async () => {
  const clock = createSteadyClock(() => new Date(noon));
  await until(() => clock().getTime() > noon);
});
