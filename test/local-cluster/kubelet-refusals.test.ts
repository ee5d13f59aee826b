import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { findImage, findImageNameFault } from '../../src/local-cluster/kubelet/image.ts';
import { findAffinityFault } from '../../src/local-cluster/node-affinity.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { isOver, startNode, waitingReasonOf } from './node-under-test.ts';

const plain = { entrypoint: [], cmd: [] };

describe('an image name', () => {
  const images = { worker: plain, 'registry.example.com:5000/team/tool:2': plain };
  test.each([
    ['worker', true],
    ['worker:v1', true],
    [`worker@sha256:${'0'.repeat(64)}`, true],
    ['other/worker', false],
    ['registry.example.com:5000/team/tool:2', true],
    ['registry.example.com:5000/team/tool:3', false],
    ['toString', false],
  ])('%s is mapped: %s', (name, mapped) => {
    expect(findImage(images, name) !== undefined).toBe(mapped);
  });

  test.each([
    ['worker', undefined],
    ['localhost/node-base:latest', undefined],
    ['registry.example.com:5000/team/tool:2', undefined],
    ['Host/repo', undefined],
    ['UPPER CASE!', ': repository name (library/UPPER CASE!) must be lowercase'],
    ['Worker', ': repository name (library/Worker) must be lowercase'],
    ['a b', ''],
    ['worker:', ''],
    ['-worker', ''],
  ])('%j is refused with %j', (name, detail) => {
    const quoted = JSON.stringify(name);
    const fault = `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format${detail}`;
    expect(findImageNameFault(name)).toBe(detail === undefined ? undefined : fault);
  });
});

const messageOf = (pod: Parameters<NodeUnderTest['untilPod']>[0]) =>
  pod.status.containerStatuses?.[0]?.state?.waiting?.message;

describe('a container that cannot be made', () => {
  let node: NodeUnderTest;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  const untilWaiting = (pod: Parameters<NodeUnderTest['untilPod']>[0], reason: string) =>
    node.untilPod(pod, (current) => waitingReasonOf(current) === reason);

  test('shows ErrImagePull and ImagePullBackOff in turns for an image that is not mapped', async () => {
    const pod = node.createPod({ image: 'absent:1' });
    await untilWaiting(pod, 'ErrImagePull');
    await untilWaiting(pod, 'ImagePullBackOff');
    await untilWaiting(pod, 'ErrImagePull');
    expect(node.eventsOf(pod).map(({ reason, message }) => `${reason} ${message}`)).toEqual(
      expect.arrayContaining([
        'Pulling Pulling image "absent:1"',
        'Failed Error: ErrImagePull',
        'BackOff Back-off pulling image "absent:1"',
        'Failed Error: ImagePullBackOff',
      ]),
    );
    expect(node.find(pod)?.status.phase).toBe('Pending');
  });

  test('shows ErrImageNeverPull for an absent image that must not be pulled', async () => {
    const pod = await untilWaiting(
      node.createPod({ image: 'absent:1', imagePullPolicy: 'Never' }),
      'ErrImageNeverPull',
    );
    expect(messageOf(pod)).toBe('Container image "absent:1" is not present with pull policy of Never');
  });

  test('shows InvalidImageName for a name that cannot be', async () => {
    const pod = await untilWaiting(node.createPod({ image: 'UPPER' }), 'InvalidImageName');
    expect(node.eventsOf(pod).map(({ reason }) => reason)).toContain('InspectFailed');
  });

  test.each([
    [
      'configmap "absent" not found',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'absent', key: 'a' } } }] },
    ],
    [
      'secret "absent" not found',
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'absent', key: 'a' } } }] },
    ],
    ['configmap "absent" not found', { envFrom: [{ configMapRef: { name: 'absent' } }] }],
    ['secret "absent" not found', { envFrom: [{ secretRef: { name: 'absent' } }] }],
  ])('shows CreateContainerConfigError: %s', async (message, container) => {
    const pod = await untilWaiting(
      node.createPod({ command: ['true'], ...container }),
      'CreateContainerConfigError',
    );
    expect(messageOf(pod)).toBe(message);
    expect(node.eventsOf(pod).map((event) => event.message)).toContain(`Error: ${message}`);
  });

  test('shows CreateContainerError when there is nothing to run', async () => {
    const pod = await untilWaiting(node.createPod({}), 'CreateContainerError');
    expect(messageOf(pod)).toBe('no command specified');
  });

  test('runs all the same when what is missing is optional', async () => {
    const optional = { name: 'absent', key: 'a', optional: true };
    const pod = node.createPod({
      command: ['true'],
      env: [{ name: 'A', valueFrom: { configMapKeyRef: optional } }],
      envFrom: [{ secretRef: { name: 'absent', optional: true } }],
    });
    expect((await node.untilPod(pod, isOver)).status.phase).toBe('Succeeded');
  });

  test('keeps the main one waiting when it is a sidecar', async () => {
    const sidecar = { name: 'side', image: 'absent', restartPolicy: 'Always', command: ['true'] };
    const pod = node.createPod({ command: ['true'] }, { initContainers: [sidecar] });
    const current = await node.untilPod(pod, ({ status }) =>
      status.initContainerStatuses?.some(({ state }) => state?.waiting?.reason === 'ImagePullBackOff'),
    );
    expect(waitingReasonOf(current)).toBe('PodInitializing');
  });

  test('stays ContainerCreating, with FailedMount, when a volume has no source', async () => {
    const pod = node.createPod(
      { command: ['true'] },
      { volumes: [{ name: 'v', configMap: { name: 'absent' } }] },
    );
    await until(() =>
      node
        .eventsOf(pod)
        .some(
          ({ message }) =>
            message === 'MountVolume.SetUp failed for volume "v" : configmap "absent" not found',
        ),
    );
    const current = node.find(pod);
    expect(current && waitingReasonOf(current)).toBe('ContainerCreating');
  });
});

const affinity = (operator: string, values?: string[], key = 'kubernetes.io/os') => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
});

describe('a pod that fits no node', () => {
  let node: NodeUnderTest;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  const mismatch = "1 node(s) didn't match Pod's node affinity/selector";

  test.each([
    ['a selector', { nodeSelector: { disk: 'none' } }, {}, mismatch],
    ['a required affinity', affinity('DoesNotExist'), {}, mismatch],
    ['a label that every object seems to have', affinity('Exists', undefined, 'constructor'), {}, mismatch],
    ['too much cpu', {}, { resources: { requests: { cpu: '1k' } } }, '1 Insufficient cpu'],
    ['too much memory', {}, { resources: { requests: { memory: '1Pi' } } }, '1 Insufficient memory'],
    [
      'a resource of no machine',
      {},
      { resources: { limits: { 'example.com/gpu': '1' } } },
      '1 Insufficient example.com/gpu',
    ],
  ])('because of %s stays Pending and says so', async (_why, spec, container, fault) => {
    const pod = node.createPod({ command: ['true'], ...container }, spec);
    const message = `0/1 nodes are available: ${fault}. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`;
    const current = await node.untilPod(pod, ({ status }) => status.conditions?.length === 1);
    expect(current.status.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
    ]);
    expect(node.eventsOf(pod).map((event) => `${event.reason} ${event.message}`)).toEqual([
      `FailedScheduling ${message}`,
    ]);
  });

  test('because an older version took its required affinity without terms is no error', () => {
    const { metadata, spec, ...pod } = node.createPod({ command: ['true'] }, affinity('DoesNotExist'));
    const without = structuredClone(spec);
    const required = without.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? {};
    Reflect.deleteProperty(required, 'nodeSelectorTerms');
    expect(findAffinityFault({ metadata, ...pod, spec: without }, {})).toBe(mismatch.slice(2));
  });

  test('runs when its affinity allows this machine', async () => {
    const pod = node.createPod({ command: ['true'] }, affinity('In', [process.platform]));
    expect((await node.untilPod(pod, isOver)).status.phase).toBe('Succeeded');
  });
});
