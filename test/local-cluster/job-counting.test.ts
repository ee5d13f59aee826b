import { describe, expect, test } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, nat, record } from 'fast-check';
import type { Pod } from '../../src/local-cluster/objects.ts';
import { until } from '../support/until.ts';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

type Step = { act: 'run' | 'succeed' | 'fail' | 'delete' | 'settle' | 'restart' | 'kill'; which: number };

const steps = array(
  record<Step>({
    act: constantFrom('run', 'succeed', 'fail', 'delete', 'settle', 'restart', 'kill'),
    which: nat(5),
  }),
  { maxLength: 20 },
);

const isDeleting = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;

/** Takes one step, and notes in `failed` the pod whose failure the Job must count. */
async function take(stage: Stage, { act, which }: Step, failed: Set<string>): Promise<void> {
  if (act === 'kill') {
    stage.killAfter(which);
    await stage.settle();
  }
  if (act === 'restart' || act === 'kill') stage.restart();
  else if (act === 'settle') await stage.settle();
  const pods = stage.pods('job', { unfinished: true });
  const pod = pods[which % Math.max(pods.length, 1)];
  if (!pod) return;
  if (act === 'run' && !isDeleting(pod)) stage.run(pod);
  else if (act === 'succeed') finish(stage, pod);
  else if (act === 'fail' && !isDeleting(pod)) {
    failed.add(pod.metadata.uid);
    stage.exit(pod, 1);
  } else if (act === 'delete' && !isDeleting(pod)) {
    failed.add(pod.metadata.uid);
    stage.registry.delete('pods', { namespace: stage.namespace, name: pod.metadata.name });
    // A deleted pod that ends well before anyone has looked counts as succeeded, as in a real cluster.
    await stage.settle();
  }
}

function finish(stage: Stage, pod: Pod): void {
  if (isDeleting(pod)) stage.end(pod, 0);
  else stage.exit(pod, 0);
}

/** Lets every pod succeed until the Job is over, and checks its books. */
async function close(
  stage: Stage,
  { succeeded, failed }: { succeeded: number; failed: number },
): Promise<void> {
  await until(
    async () => {
      await stage.settle();
      stage.pods('job', { unfinished: true }).forEach((pod) => finish(stage, pod));
      return stage.conditions('job').length === 2;
    },
    { everyMs: 1 },
  );
  await stage.settle();
  const { status } = stage.job('job');
  expect({ ...status, conditions: stage.conditions('job') }).toMatchObject({
    conditions: ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached'],
    succeeded,
    terminating: 0,
    uncountedTerminatedPods: {},
  });
  expect({ failed: status.failed ?? 0, active: status.active ?? 0 }).toEqual({ failed, active: 0 });
  expect(stage.pods('job').flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
  expect(stage.faults).toEqual([]);
}

describe.each(['NonIndexed', 'Indexed'] as const)('a %s Job counts each pod once', (completionMode) => {
  const spec = { completions: 4, parallelism: 2, completionMode, backoffLimit: 100 };

  test('at whichever write the cluster is killed while pods end', async () => {
    for (let writes = 0; writes < 16; writes += 1) {
      const stage = openStage({ backoff: { initialMs: 1, maxMs: 1 } });
      try {
        stage.createJob('job', spec);
        await stage.settle();
        const [first, second] = stage.pods('job');
        if (!first || !second) throw new Error('two pods are expected');
        stage.exit(first, 1);
        stage.exit(second, 0);
        stage.killAfter(writes);
        await stage.settle();
        stage.restart();
        await close(stage, { succeeded: 4, failed: 1 });
      } finally {
        stage.close();
      }
    }
  });

  test('whatever happens to its pods, and however often the cluster is killed', async () => {
    const counting = asyncProperty(steps, async (taken) => {
      const stage = openStage({ backoff: { initialMs: 1, maxMs: 1 } });
      try {
        const failed = new Set<string>();
        stage.createJob('job', spec);
        await stage.settle();
        for (const step of taken) await take(stage, step, failed);
        await close(stage, { succeeded: 4, failed: failed.size });
      } finally {
        stage.close();
      }
    });
    await assert(counting, { numRuns: 30 });
  });
});
