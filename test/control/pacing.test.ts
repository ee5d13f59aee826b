import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createPacing, toPauseMs } from '../../src/control/pacing.ts';

const busy = { reason: 'TooManyRequests', explanation: 'The cluster asked us to wait.' };
const full = { reason: 'QuotaExceeded', explanation: 'The quota is full.' };

function start(most = 8) {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const pacing = createPacing({ clock: () => new Date(now), random: () => 0.5, most });
  return {
    ...pacing,
    pass: (ms: number) => void (now += ms),
    overtax: (forMs: number | null = 1000, sentAgo = 0) =>
      pacing.hold(busy, { forMs, overtaxed: true, sentAt: now - sentAgo }),
    fill: (forMs: number) => pacing.hold(full, { forMs, overtaxed: false, sentAt: now }),
    succeed(times = 1) {
      for (let n = 0; n < times; n += 1) pacing.release();
    },
    /** Over the hold, and one that goes first is taken. */
    probe() {
      now += 60_000;
      expect(pacing.width()).toBe(1);
      pacing.release();
    },
  };
}

test('an untroubled cluster gets as many at once as are allowed', () => {
  const pacing = start();
  pacing.succeed(100);
  expect(pacing.width()).toBe(8);
});

test('nothing goes out during a hold, then one, then half of what was too much', () => {
  const pacing = start();
  pacing.overtax(7000);
  pacing.pass(6999);
  expect(pacing.width()).toBe(0);
  pacing.pass(1);
  expect(pacing.width()).toBe(1);
  expect(pacing.release()).toBe(true);
  expect(pacing.width()).toBe(4);
  expect(pacing.current()).toBeNull();
});

test('creates that were under way together halve the window once', () => {
  const pacing = start();
  for (let n = 0; n < 8; n += 1) pacing.overtax();
  pacing.probe();
  expect(pacing.width()).toBe(4);
});

test('each probe that is refused halves it again, down to one', () => {
  const pacing = start();
  for (let n = 0; n < 2; n += 1) {
    pacing.overtax();
    pacing.pass(1000);
  }
  pacing.probe();
  expect(pacing.width()).toBe(2);
  for (let n = 0; n < 5; n += 1) {
    pacing.overtax();
    pacing.pass(1000);
  }
  // The probe is itself a full window of one, and lets it grow.
  pacing.probe();
  expect(pacing.width()).toBe(2);
});

test('the window grows by one for each full window that was taken, up to its limit', () => {
  const pacing = start();
  pacing.overtax();
  pacing.probe();
  pacing.succeed(2);
  expect(pacing.width()).toBe(4);
  pacing.succeed(1);
  expect(pacing.width()).toBe(5);
  pacing.succeed(4);
  expect(pacing.width()).toBe(5);
  pacing.succeed(1);
  expect(pacing.width()).toBe(6);
  pacing.succeed(6 + 7);
  expect(pacing.width()).toBe(8);
  pacing.succeed(100);
  expect(pacing.width()).toBe(8);
});

test('an answer that comes late tells of the window as it was, and cuts it no further', () => {
  const pacing = start();
  pacing.overtax(1000);
  pacing.pass(2000);
  pacing.overtax(1000, 2500);
  pacing.probe();
  expect(pacing.width()).toBe(4);
});

test('a hold whose time is over lapses where nothing waits for its end, and the window stays cut', () => {
  const pacing = start();
  pacing.overtax(1000);
  pacing.lapse();
  expect(pacing.current()).toEqual(busy);
  pacing.pass(1000);
  pacing.lapse();
  expect(pacing.current()).toBeNull();
  expect(pacing.width()).toBe(4);
});

test('a full quota holds, and leaves the window as it was', () => {
  const pacing = start();
  pacing.fill(10_000);
  expect(pacing.width()).toBe(0);
  pacing.probe();
  expect(pacing.width()).toBe(8);
});

test('a create that is taken during a hold does not end it', () => {
  const pacing = start();
  pacing.overtax(7000);
  expect(pacing.release()).toBe(false);
  expect(pacing.width()).toBe(0);
  expect(pacing.current()).toEqual(busy);
});

test('a shorter wish does not shorten a hold', () => {
  const pacing = start();
  pacing.overtax(7000);
  pacing.overtax(1000);
  pacing.pass(6999);
  expect(pacing.width()).toBe(0);
});

test('without a wish of the cluster the pause doubles from hold to hold, with jitter, until a create is taken', () => {
  const pacing = start();
  for (const tries of [1, 2, 3]) {
    pacing.overtax(null);
    pacing.pass(toPauseMs(tries) * 1.25 - 1);
    expect(pacing.width()).toBe(0);
    pacing.pass(1);
    expect(pacing.width()).toBe(1);
  }
  pacing.succeed();
  pacing.overtax(null);
  pacing.pass(toPauseMs(1) * 1.25);
  expect(pacing.width()).toBe(1);
});

type Step = 'taken' | 'overtaxed' | 'full' | 'second' | 'minute';

test('whatever happens, the window stays between one and its limit, and a held cluster is left alone', () => {
  const steps = fc.array(fc.constantFrom<Step>('taken', 'overtaxed', 'full', 'second', 'minute'), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 16 }), (played, most) => {
      const pacing = start(most);
      for (const step of played) {
        const before = pacing.width();
        if (step === 'taken') pacing.succeed();
        else if (step === 'overtaxed') pacing.overtax(5000);
        else if (step === 'full') pacing.fill(30_000);
        else pacing.pass(step === 'second' ? 1000 : 60_000);
        const width = pacing.width();
        expect(width).toBeLessThanOrEqual(most);
        if (pacing.current() === null) expect(width).toBeGreaterThanOrEqual(1);
        else expect(width).toBeLessThanOrEqual(1);
        if (step === 'overtaxed' || step === 'full') expect(width).toBe(0);
        if (step === 'taken' && before > 1) expect(width - before).toBeLessThanOrEqual(1);
        if (step === 'taken' && before === 0) expect(width).toBe(0);
      }
    }),
  );
});
