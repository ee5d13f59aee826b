import { expect, test } from '@jest/globals';
import type { PodObservation } from '../../src/core/facts.ts';
import { hasEnded, hasRun, hasSucceeded } from '../../src/core/pod.ts';
import { exitedPod, runningPod, seenPod } from '../support/sightings.ts';

test.each<[string, PodObservation, { ended: boolean; run: boolean; succeeded: boolean }]>([
  ['that waits', seenPod(), { ended: false, run: false, succeeded: false }],
  ['that runs', runningPod(), { ended: false, run: true, succeeded: false }],
  [
    'whose container is about to be started again',
    runningPod({ exitCode: 1, reason: 'CrashLoopBackOff' }),
    { ended: false, run: true, succeeded: false },
  ],
  ['that exited 0', exitedPod(0), { ended: true, run: true, succeeded: true }],
  ['that exited 1', exitedPod(1), { ended: true, run: true, succeeded: false }],
  [
    'that was evicted before it started',
    seenPod({ phase: 'Failed', reason: 'Evicted' }),
    { ended: true, run: false, succeeded: false },
  ],
  [
    'of which the node says nothing',
    runningPod({ phase: 'Unknown' }),
    { ended: false, run: true, succeeded: false },
  ],
])('a pod %s is told for what it is', (_name, pod, { ended, run, succeeded }) => {
  expect(hasEnded(pod)).toBe(ended);
  expect(hasRun(pod)).toBe(run);
  expect(hasSucceeded({ ...pod, stopped: false })).toBe(succeeded);
});

test('a pod that was told to stop did not succeed, whatever its exit code', () => {
  expect(hasSucceeded({ ...exitedPod(0), stopped: true })).toBe(false);
});
