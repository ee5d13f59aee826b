import { afterAll, describe, expect, test } from '@jest/globals';
import { openClusterUnderTest } from './cluster-under-test.ts';
import { createReckoning, printFindings } from './reckoning.ts';
import { replayRecording } from './recording-replay.ts';
import { playUntilSure } from './repeated-play.ts';
import { openVoices } from './voices.ts';

/** Longer than the longest recording takes three times, and than a busy machine needs for all of them at once. */
const limitMs = 360_000;

/**
 * One test per recording and voice, all played at once: they mostly wait. On a real cluster one voice waits for the
 * other, since its controllers may start but a few pods a second. A cluster is opened for each test file, so that jest's
 * workers can share them.
 */
export async function conformanceSuite(recordings: string[]): Promise<void> {
  const cluster = await openClusterUnderTest();
  const voices = await openVoices(cluster);
  let turn: Promise<unknown> = Promise.resolve();
  const casts = voices.map((voice) => {
    const reckoning = createReckoning(cluster.kind, voice.name);
    const began = turn;
    const replays = recordings.map((name) => {
      const again = async () => reckoning.unexplained(await replayRecording(cluster, voice, name, reckoning));
      return { name, again, first: began.then(again) };
    });
    // Each test looks at its own outcome; until then a failure must not count as unhandled.
    const settled = Promise.allSettled(replays.map(({ first }) => first));
    if (cluster.kind === 'real') turn = settled;
    return { voice: voice.name, reckoning, replays, settled };
  });
  const quiet = Promise.all(casts.map(({ settled }) => settled));
  const plays = casts.map(({ voice, reckoning, replays }) => {
    const outcomes = replays.map(({ name, first, again }) => ({
      name,
      outcome: playUntilSure(`${name}, asked by ${voice},`, { first, again, quiet }, (line) =>
        process.stderr.write(line),
      ),
    }));
    return {
      voice,
      reckoning,
      outcomes,
      settled: Promise.allSettled(outcomes.map(({ outcome }) => outcome)),
    };
  });

  describe.each(plays)(`the ${cluster.kind} cluster, asked by $voice`, ({ reckoning, outcomes, settled }) => {
    test.each(outcomes)(
      'does as recorded in $name',
      async ({ outcome }) => {
        expect(printFindings(await outcome)).toBe('');
      },
      limitMs,
    );

    test(
      'differs and skips only where the tables still say so',
      async () => {
        await settled;
        expect(reckoning.stale(recordings).join('\n')).toBe('');
      },
      limitMs,
    );
  });

  afterAll(async () => {
    await Promise.all(plays.map(({ settled }) => settled));
    await Promise.all(voices.map((voice) => voice.close()));
    await cluster.stop();
  }, limitMs);
}
