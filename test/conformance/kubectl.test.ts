import { afterAll, describe, expect, test } from '@jest/globals';
import { openClusterUnderTest } from './cluster-under-test.ts';
import { replayTranscript } from './kubectl-replay.ts';
import { createReckoning } from './reckoning.ts';
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
      const findings = await replayTranscript(cluster, reckoning);
      expect(reckoning.unexplained(findings).join('\n')).toBe('');
      expect(reckoning.stale(['kubectl'])).toEqual([]);
    }, 180_000);

    afterAll(() => cluster.stop());
  });
}
