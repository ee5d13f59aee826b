import { afterAll, describe, expect, test } from '@jest/globals';
import { openClusterUnderTest } from './cluster-under-test.ts';
import { replayTranscript } from './kubectl-replay.ts';
import { createReckoning, printFindings } from './reckoning.ts';
import { playUntilSure } from './repeated-play.ts';
import { findKubectl } from './kubectl-program.ts';

const kubectl = findKubectl();

if (kubectl === undefined) {
  test('kubectl is not on the PATH, so nothing is typed', () => {
    process.stderr.write('conformance: there is no kubectl on the PATH; its transcript is not replayed\n');
    expect(findKubectl()).toBeUndefined();
  });
} else {
  const cluster = await openClusterUnderTest();
  const reckoning = createReckoning(cluster.kind);

  describe(`kubectl ${kubectl} and the ${cluster.kind} cluster`, () => {
    test('print what the transcript shows', async () => {
      const again = async () => reckoning.unexplained(await replayTranscript(cluster, reckoning));
      const findings = await playUntilSure(
        'the transcript',
        { first: again(), again, quiet: Promise.resolve() },
        (line) => process.stderr.write(line),
      );
      expect(printFindings(findings)).toBe('');
      expect(reckoning.stale(['kubectl'])).toEqual([]);
    }, 360_000);

    afterAll(() => cluster.stop());
  });
}
