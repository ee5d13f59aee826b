import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DeleteOptions } from '../../src/local-cluster/registry-contract.ts';
import type { Stage } from './job-stage.ts';
import { openStage } from './job-stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = openStage();
});

afterEach(() => {
  expect(stage.faults).toEqual([]);
  stage.close();
});

async function startJob(name: string) {
  stage.createJob(name);
  await stage.settle();
  const pod = getPod(name);
  stage.run(pod);
  await stage.settle();
  return pod;
}

function getPod(job: string) {
  const [pod] = stage.pods(job);
  if (!pod) throw new Error(`${job} has no pod`);
  return pod;
}

const remove = (name: string, propagationPolicy: DeleteOptions['propagationPolicy']) =>
  stage.registry.delete('jobs', { namespace: stage.namespace, name }, { propagationPolicy });

const findJob = (name: string) => stage.registry.find('jobs', stage.namespace, name);

/** A pod of no Job that names these owners; `uid` decides whether they exist. */
function createOwned(
  name: string,
  owners: { kind: string; apiVersion: string; name: string; uid: string }[],
) {
  return stage.registry.create('pods', stage.namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ownerReferences: owners },
    spec: { containers: [{ name: 'main', image: 'worker' }] },
  });
}

const findPod = (name: string) => stage.registry.find('pods', stage.namespace, name);

const asOwner = (job: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: job,
  uid: findJob(job)?.metadata.uid ?? 'nobody',
});

describe('a deleted Job', () => {
  test('in the background is gone at once; its pod loses the finalizer, is stopped, and goes', async () => {
    const pod = await startJob('background');
    remove('background', 'Background');
    expect(findJob('background')).toBeUndefined();
    await stage.settle();
    const { metadata } = getPod('background');
    expect(metadata.finalizers).toBeUndefined();
    expect(metadata.deletionGracePeriodSeconds).toBe(30);
    stage.end(pod);
    expect(stage.pods('background')).toEqual([]);
  });

  test('in the background takes a finished pod with it', async () => {
    const pod = await startJob('finished');
    stage.exit(pod, 0);
    await stage.settle();
    remove('finished', 'Background');
    await stage.settle();
    expect(stage.pods('finished')).toEqual([]);
  });

  test('in the foreground stays until its pod is gone, and its status says nothing new', async () => {
    const pod = await startJob('foreground');
    const { status } = stage.job('foreground');
    remove('foreground', 'Foreground');
    await stage.settle();
    expect(stage.job('foreground').metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(getPod('foreground').metadata.finalizers).toBeUndefined();
    expect(stage.job('foreground').status).toEqual(status);
    stage.end(pod);
    await stage.settle();
    expect(findJob('foreground')).toBeUndefined();
    expect(stage.pods('foreground')).toEqual([]);
  });

  test('with no pods goes at once in the foreground, too', async () => {
    stage.createJob('empty', { parallelism: 0 });
    await stage.settle();
    remove('empty', 'Foreground');
    await stage.settle();
    expect(findJob('empty')).toBeUndefined();
  });

  test('as orphan leaves its pod running, without owner and finalizer but with its labels', async () => {
    const seen: string[] = [];
    await startJob('orphan');
    const stop = stage.registry.subscribe('pods', ({ object: { metadata } }) => {
      seen.push(
        `${metadata.ownerReferences?.length ?? 0} owners, ${metadata.finalizers?.length ?? 0} finalizers`,
      );
    });
    remove('orphan', 'Orphan');
    await stage.settle();
    stop();
    expect(seen).toEqual(['0 owners, 1 finalizers', '0 owners, 0 finalizers']);
    expect(findJob('orphan')).toBeUndefined();
    expect(getPod('orphan')).toMatchObject({
      status: { phase: 'Running' },
      metadata: { labels: { 'job-name': 'orphan' } },
    });
  });

  test.each(['Background', 'Foreground', 'Orphan'] as const)(
    '%s is carried on with after a restart',
    async (policy) => {
      const pod = await startJob('half-way');
      remove('half-way', policy);
      stage.restart();
      await stage.settle();
      if (policy !== 'Orphan') stage.end(pod);
      await stage.settle();
      expect(findJob('half-way')).toBeUndefined();
      expect(stage.pods('half-way').map(({ metadata }) => metadata.finalizers)).toEqual(
        policy === 'Orphan' ? [undefined] : [],
      );
    },
  );
});

describe('an owned pod', () => {
  test('goes when the uid of its owner is not the one of that name', async () => {
    stage.createJob('owner', { parallelism: 0 });
    createOwned('stray', [{ ...asOwner('owner'), uid: 'another' }]);
    await stage.settle();
    expect(findPod('stray')).toBeUndefined();
  });

  test('with a second owner that stays only loses the reference to the first', async () => {
    stage.createJob('first', { parallelism: 0 });
    stage.createJob('second', { parallelism: 0 });
    createOwned('shared', [asOwner('first'), asOwner('second')]);
    await stage.settle();
    remove('first', 'Background');
    await stage.settle();
    expect(findPod('shared')?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['second']);
  });

  test('of a kind that the cluster does not know is left alone', async () => {
    createOwned('foreign', [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'some', uid: 'some' }]);
    await stage.settle();
    expect(findPod('foreign')).toBeDefined();
  });

  test('of another pod goes with it', async () => {
    const { metadata } = createOwned('parent', []);
    createOwned('child', [{ apiVersion: 'v1', kind: 'Pod', name: 'parent', uid: metadata.uid }]);
    await stage.settle();
    expect(findPod('child')).toBeDefined();
    stage.registry.delete('pods', { namespace: stage.namespace, name: 'parent' });
    await stage.settle();
    expect(findPod('child')).toBeUndefined();
  });
});
