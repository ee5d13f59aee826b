import { getEventListeners, once } from 'node:events';
import { expect, test } from '@jest/globals';
import { withTimeLimit } from '../../src/kube/time-limit.ts';

const { signal: never } = new AbortController();
const long = 3_600_000;
const untilAborted = async (limited: AbortSignal): Promise<unknown> => {
  if (!limited.aborted) await once(limited, 'abort');
  return limited.reason;
};
const countTimers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('what takes too long is aborted as by a timeout', async () => {
  const reason = await withTimeLimit({ signal: never, ms: 5 }, untilAborted);
  expect(reason).toMatchObject({ name: 'TimeoutError' });
});

test.each(['before', 'meanwhile'])('what aborts %s aborts it with its own reason', async (when) => {
  const leaving = new AbortController();
  const leave = () => leaving.abort(new Error('we leave'));
  if (when === 'before') leave();
  const reason = withTimeLimit({ signal: leaving.signal, ms: long }, untilAborted);
  leave();
  expect(await reason).toMatchObject({ message: 'we leave' });
});

test('it leaves neither a timer nor a listener behind, also where it fails', async () => {
  const timers = countTimers();
  expect(await withTimeLimit({ signal: never, ms: long }, async () => 'done')).toBe('done');
  const failing = withTimeLimit({ signal: never, ms: long }, () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  expect(countTimers()).toBe(timers);
  expect(getEventListeners(never, 'abort')).toHaveLength(0);
});
