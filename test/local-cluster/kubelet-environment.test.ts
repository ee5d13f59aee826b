import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { expand } from '../../src/local-cluster/kubelet/expansion.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { isOver, startNode } from './node-under-test.ts';

describe('$(NAME) expansion', () => {
  const values = new Map([
    ['A', 'aaa'],
    ['B', 'b'],
  ]);
  test.each([
    ['$(A)', 'aaa'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$aaa'],
    ['$$$$(A)', '$$(A)'],
    ['$(NOPE)', '$(NOPE)'],
    ['$A', '$A'],
    ['${A}', '${A}'],
    ['$', '$'],
    ['$$', '$'],
    ['x$(A)y$(B)', 'xaaayb'],
    ['$(A', '$(A'],
    ['$()', '$()'],
    ['$(A )', '$(A )'],
    ['$(HOSTNAME)', '$(HOSTNAME)'],
    ['', ''],
    [' ', ' '],
  ])('turns %j into %j', (written, expanded) => {
    expect(expand(written, values)).toBe(expanded);
  });
});

describe('the environment of a container', () => {
  let node: NodeUnderTest;
  beforeAll(async () => {
    node = await startNode();
  });
  afterAll(() => node.stop());

  const printEnvironment = { command: ['node', '-e', 'console.log(JSON.stringify(process.env))'] };

  async function environmentOf(
    ...pod: Parameters<NodeUnderTest['createPod']>
  ): Promise<Record<string, string>> {
    const done = await node.untilPod(node.createPod(...pod), isOver);
    expect(done.status.phase).toBe('Succeeded');
    return z.record(z.string(), z.string()).parse(JSON.parse(await node.logOf(done)));
  }

  test('holds what the pod says and a few standard variables, nothing of the service', async () => {
    process.env['SECRET_OF_THE_SERVICE'] = 'must not leak';
    const environment = await environmentOf({ ...printEnvironment, env: [{ name: 'A', value: '1' }] });
    delete process.env['SECRET_OF_THE_SERVICE'];
    expect(Object.keys(environment).toSorted()).toEqual([
      'A',
      'HOME',
      'HOSTNAME',
      'KUBERNETES_TERMINATION_MESSAGE_PATH',
      'PATH',
    ]);
  });

  test('lets the pod set HOME, PATH and HOSTNAME itself', async () => {
    const path = `/own/bin:${process.execPath.replace(/\/node$/, '')}`;
    const env = [
      { name: 'HOME', value: '/tmp' },
      { name: 'PATH', value: path },
      { name: 'HOSTNAME', value: 'own' },
    ];
    expect(await environmentOf({ ...printEnvironment, env })).toMatchObject({
      HOME: '/tmp',
      PATH: path,
      HOSTNAME: 'own',
    });
  });

  test('expands variables that were set before, in values and in the command', async () => {
    const pod = node.createPod({
      command: ['node', '-e', 'console.log(JSON.stringify([process.argv.slice(1), process.env]))', '--'],
      args: ['$(A)', '$(B)', '$(C)', '$(HOSTNAME)'],
      env: [
        { name: 'A', value: 'aaa' },
        { name: 'B', value: 'b-$(A)-$(C)' },
        { name: 'C', value: 'c-$(B)' },
        { name: 'D', value: '$$(A)' },
      ],
    });
    expect(JSON.parse(await node.logOf(await node.untilPod(pod, isOver)))).toEqual([
      ['aaa', 'b-aaa-$(C)', 'c-b-aaa-$(C)', '$(HOSTNAME)'],
      expect.objectContaining({ B: 'b-aaa-$(C)', C: 'c-b-aaa-$(C)', D: '$(A)' }),
    ]);
  });

  test('passes on names and values that a shell would lose', async () => {
    const env = [
      { name: 'with.dot-and-dash', value: 'kept' },
      { name: 'IFS', value: 'x' },
      { name: 'PWD', value: '/elsewhere' },
      { name: 'LINES', value: 'a\nb "c" $d `e`' },
    ];
    const expected = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    expect(await environmentOf({ ...printEnvironment, env })).toMatchObject(expected);
  });

  test('reads fields of the pod and its resources', async () => {
    const fields: Record<string, string> = {
      NAME: 'metadata.name',
      NAMESPACE: 'metadata.namespace',
      UID: 'metadata.uid',
      LABEL: "metadata.labels['example.com/app']",
      NO_LABEL: "metadata.labels['absent']",
      NO_LABEL_EITHER: "metadata.labels['constructor']",
      ANNOTATION: "metadata.annotations['note']",
      NODE: 'spec.nodeName',
      ACCOUNT: 'spec.serviceAccountName',
      POD_IP: 'status.podIP',
      HOST_IP: 'status.hostIP',
    };
    const resources: Record<string, { resource: string; divisor?: string }> = {
      CPU_LIMIT: { resource: 'limits.cpu' },
      CPU_REQUEST_M: { resource: 'requests.cpu', divisor: '1m' },
      MEMORY_LIMIT: { resource: 'limits.memory' },
      MEMORY_LIMIT_MI: { resource: 'limits.memory', divisor: '1Mi' },
    };
    const environment = await environmentOf(
      {
        ...printEnvironment,
        resources: { limits: { cpu: '1500m', memory: '128Mi' }, requests: { cpu: '100m', memory: '64Mi' } },
        env: [
          ...Object.entries(fields).map(([name, fieldPath]) => ({
            name,
            valueFrom: { fieldRef: { fieldPath } },
          })),
          ...Object.entries(resources).map(([name, reference]) => ({
            name,
            valueFrom: { resourceFieldRef: reference },
          })),
        ],
      },
      {},
      { labels: { 'example.com/app': 'shop' }, annotations: { note: 'read me' } },
    );
    expect(environment).toMatchObject({
      NAME: expect.stringMatching(/^pod-/),
      NAMESPACE: 'default',
      UID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      LABEL: 'shop',
      NO_LABEL: '',
      NO_LABEL_EITHER: '',
      ANNOTATION: 'read me',
      NODE: 'local',
      ACCOUNT: 'default',
      POD_IP: '127.0.0.1',
      HOST_IP: '127.0.0.1',
      CPU_LIMIT: '2',
      CPU_REQUEST_M: '100',
      MEMORY_LIMIT: '134217728',
      MEMORY_LIMIT_MI: '128',
    });
  });

  test('starts a command in a private directory that all containers of the pod share', async () => {
    const pod = node.createPod(
      { command: ['sh', '-c', 'cat note; pwd'] },
      { initContainers: [{ name: 'setup', image: 'plain', command: ['sh', '-c', 'echo hello > note'] }] },
    );
    const done = await node.untilPod(pod, isOver);
    expect(await node.logOf(done)).toBe(`hello\n${node.dataDir}/pods/${done.metadata.uid}/scratch\n`);
  });

  test('lets a command open its output again, as in a container', async () => {
    const pod = node.createPod({ command: ['sh', '-c', 'echo out > /dev/stdout; echo err > /dev/stderr'] });
    const lines = (await node.logOf(await node.untilPod(pod, isOver))).split('\n');
    expect(lines.toSorted()).toEqual(['', 'err', 'out']);
  });
});
