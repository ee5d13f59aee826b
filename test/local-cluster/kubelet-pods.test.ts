import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { endOf, findStartTime, isOver, startNode } from './node-under-test.ts';

let node: NodeUnderTest;
beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node.stop());

const shell = (script: string) => ({ command: ['sh', '-c', script] });

async function runToEnd(...pod: Parameters<NodeUnderTest['createPod']>) {
  return node.untilPod(node.createPod(...pod), isOver);
}

describe('the life of a pod', () => {
  test('is published step by step, as a real kubelet does', async () => {
    const pod = await runToEnd(shell('true'));
    const steps = node.historyOf(pod).map(({ spec, status }) => {
      const conditions = status.conditions ?? [];
      const [container] = status.containerStatuses ?? [];
      return [
        status.phase,
        spec.nodeName ?? '-',
        Object.keys(container?.state ?? {}).join() || '-',
        ...conditions.map(
          ({ type, status: value, reason }) => `${type}=${value}${reason ? `:${reason}` : ''}`,
        ),
      ].join(' ');
    });
    const unready =
      'Ready=False:ContainersNotReady ContainersReady=False:ContainersNotReady PodScheduled=True';
    const completed = 'Ready=False:PodCompleted ContainersReady=False:PodCompleted PodScheduled=True';
    expect(steps).toEqual([
      'Pending - -',
      'Pending local - PodScheduled=True',
      `Pending local waiting PodReadyToStartContainers=False Initialized=True ${unready}`,
      `Pending local waiting PodReadyToStartContainers=True Initialized=True ${unready}`,
      'Running local running PodReadyToStartContainers=True Initialized=True Ready=True ContainersReady=True PodScheduled=True',
      `Running local terminated PodReadyToStartContainers=True Initialized=True:PodCompleted ${completed}`,
      `Succeeded local terminated PodReadyToStartContainers=False Initialized=True:PodCompleted ${completed}`,
    ]);
  });

  test('leaves the events of a real kubelet', async () => {
    const pod = await runToEnd(shell('true'));
    const events = node
      .eventsOf(pod)
      .map(({ reason, message, involvedObject }) => [reason, message, involvedObject.fieldPath ?? '']);
    const main = 'spec.containers{main}';
    expect(events).toEqual([
      ['Scheduled', `Successfully assigned default/${pod.metadata.name} to local`, ''],
      ['Pulled', 'Container image "plain" already present on machine and can be accessed by the pod', main],
      ['Created', 'Container created', main],
      ['Started', 'Container started', main],
    ]);
  });

  test('goes through init containers in their order, with a sidecar that outlives the main one', async () => {
    const pod = await runToEnd(shell('echo main >> order; cat order'), {
      initContainers: [
        { name: 'first', image: 'plain', ...shell('echo first >> order') },
        {
          name: 'side',
          image: 'plain',
          restartPolicy: 'Always',
          ...shell('echo side >> order; trap "echo got TERM; exit 0" TERM; while true; do sleep 0.05; done'),
        },
        {
          name: 'second',
          image: 'plain',
          ...shell('until grep -q side order; do sleep 0.05; done; echo second >> order'),
        },
      ],
    });
    expect(pod.status.phase).toBe('Succeeded');
    expect(await node.logOf(pod)).toBe('first\nside\nsecond\nmain\n');
    expect(await node.logOf(pod, { container: 'side' })).toBe('got TERM\n');
  });

  test('ends Failed when an init container fails, and the main one never starts', async () => {
    const pod = await runToEnd(shell('true'), {
      initContainers: [{ name: 'setup', image: 'plain', ...shell('exit 9') }],
    });
    expect(pod.status.phase).toBe('Failed');
    expect(endOf(pod, 'setup')?.exitCode).toBe(9);
    expect(pod.status.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  test('with two containers goes on until the last one has ended', async () => {
    const pod = await runToEnd(
      {},
      {
        containers: [
          { name: 'quick', image: 'plain', ...shell('exit 1') },
          { name: 'slow', image: 'plain', ...shell('sleep 0.3') },
        ],
      },
    );
    expect(pod.status.phase).toBe('Failed');
    expect(endOf(pod, 'quick')?.exitCode).toBe(1);
    expect(endOf(pod, 'slow')?.exitCode).toBe(0);
  });

  test('ends at its deadline, even if its container would go on', async () => {
    const pod = await runToEnd(shell('sleep 60'), { activeDeadlineSeconds: 1 });
    expect(pod.status).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    expect(endOf(pod)?.exitCode).toBe(143);
  });
});

describe('how a container ends', () => {
  test.each([
    ['its own exit code', shell('exit 7'), 7],
    ['the low byte of a code that is too large', { command: ['node', '-e', 'process.exit(256 + 7)'] }, 7],
    ['128 and the signal that killed it', shell('kill -9 $$$$'), 137],
    ['127 when a shell does not find its command', shell('no-such-program 2>/dev/null'), 127],
  ])('is shown as %s', async (_what, container, exitCode) => {
    const pod = await runToEnd(container);
    expect(endOf(pod)).toMatchObject({ exitCode, reason: 'Error' });
  });

  test.each([
    ['/no/such/program', 'exec: "/no/such/program": stat /no/such/program: no such file or directory'],
    ['/etc/passwd', 'exec: "/etc/passwd": permission denied'],
    ['no-such-program', 'exec: "no-such-program": executable file not found in $PATH'],
    ['/etc', 'exec: "/etc": is a directory'],
  ])('is StartError for the command %s', async (program, why) => {
    const pod = await runToEnd({ command: [program] });
    expect(endOf(pod)).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      message: `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${why}`,
      startedAt: '1970-01-01T00:00:00Z',
    });
    expect(await node.logOf(pod)).toBe('');
  });

  test('is StartError for an argument that the system finds too long', async () => {
    const pod = await runToEnd({ command: ['echo', 'x'.repeat(200_000)] });
    expect(endOf(pod)).toMatchObject({
      reason: 'StartError',
      message: expect.stringContaining('argument list too long'),
    });
  });

  test('carries the message that the container wrote, its last 4096 bytes', async () => {
    const short = await runToEnd(shell('echo all went well > "$KUBERNETES_TERMINATION_MESSAGE_PATH"'));
    expect(endOf(short)?.message).toBe('all went well\n');
    const long = await runToEnd(
      shell('head -c 6000 /dev/zero | tr "\\0" x > "$KUBERNETES_TERMINATION_MESSAGE_PATH"'),
    );
    expect(endOf(long)?.message).toBe('x'.repeat(4096));
  });

  test.each(['mkdir', 'mkfifo', 'ln -s /'])(
    'carries no message where the container ran %s in its place',
    async (made) => {
      const path = '"$KUBERNETES_TERMINATION_MESSAGE_PATH"';
      const pod = await runToEnd(shell(`rm -f ${path}; ${made} ${path}`));
      expect(endOf(pod)).toMatchObject({ reason: 'Completed', exitCode: 0 });
      expect(endOf(pod)).not.toHaveProperty('message');
    },
  );

  test('falls back to the last 80 lines of the log, only on errors and only when asked', async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do echo "line $i"; i=$((i+1)); done;';
    const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    const lines = Array.from({ length: 80 }, (_, index) => `line ${120 + index}\n`).join('');
    expect(endOf(await runToEnd({ ...shell(`${script} exit 1`), ...fallback }))?.message).toBe(lines);
    expect(endOf(await runToEnd({ ...shell(`${script} exit 0`), ...fallback }))?.message).toBeUndefined();
    expect(endOf(await runToEnd(shell(`${script} exit 1`)))?.message).toBeUndefined();
  });

  test('takes with it what the main process left behind in its session', async () => {
    const pod = await runToEnd(shell('sleep 60 & echo $!; (set -m; sleep 60 & echo $!); sleep 0.1'));
    const left = (await node.logOf(pod)).trim().split('\n').map(Number);
    expect(left).toHaveLength(2);
    for (const pid of left) await until(() => findStartTime(pid) === undefined);
  });
});

describe('restarts in place', () => {
  test('come at once, then after a growing delay shown as CrashLoopBackOff', async () => {
    const counting = 'n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; echo run $n; [ $n -ge 3 ]';
    const pod = await runToEnd(shell(counting), { restartPolicy: 'OnFailure' });
    const states = node.historyOf(pod).flatMap(({ status }) => {
      const [container] = status.containerStatuses ?? [];
      const [name] = Object.keys(container?.state ?? {});
      return name === undefined
        ? []
        : [`${container?.state?.waiting?.reason ?? name} ${container?.restartCount}`];
    });
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
      'ContainerCreating 0',
      'running 0',
      'terminated 0',
      'running 1',
      'terminated 1',
      'CrashLoopBackOff 1',
      'running 2',
      'terminated 2',
    ]);
    expect(pod.status.phase).toBe('Succeeded');
    expect(pod.status.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(1);
    expect(await node.logOf(pod)).toBe('run 3\n');
    expect(await node.logOf(pod, { previous: true })).toBe('run 2\n');
  });
});

describe('a pod that is deleted', () => {
  test('gets SIGTERM, is published as it ends, and goes', async () => {
    const script = 'trap "echo got TERM; exit 7" TERM; echo ready; while true; do sleep 0.05; done';
    const pod = node.createPod(shell(script));
    await node.untilPod(pod, (current) => current.status.phase === 'Running');
    await until(async () => (await node.logOf(pod)) === 'ready\n');
    node.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
    await node.untilGone(pod);
    const last = node.historyOf(pod).at(-1);
    expect(last).toMatchObject({
      metadata: { generation: 2 },
      status: { phase: 'Failed', observedGeneration: 2 },
    });
    expect(last && endOf(last)?.exitCode).toBe(7);
    expect(node.eventsOf(pod).map(({ message }) => message)).toContain('Stopping container main');
  });

  test('gets its SIGTERM when the Job controller has seen the mark, and goes when it has seen the end', async () => {
    const looks: (() => void)[] = [];
    const watched = await startNode({ untilSeen: () => new Promise((seen) => looks.push(seen)) });
    try {
      const pod = watched.createPod(shell('trap "exit 0" TERM; echo ready; sleep 60 & wait'));
      await until(async () => (await watched.logOf(pod)) === 'ready\n');
      watched.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
      await until(() => looks.length > 0);
      expect(watched.eventsOf(pod).map(({ reason }) => reason)).not.toContain('Killing');
      looks.splice(0).forEach((seen) => seen());
      await watched.untilPod(pod, isOver);
      await until(() => looks.length > 0);
      expect(watched.find(pod)?.status.phase).toBe('Succeeded');
      looks.splice(0).forEach((seen) => seen());
      await watched.untilGone(pod);
    } finally {
      await watched.stop();
    }
  });

  test('gets SIGKILL after the grace period, with all its processes', async () => {
    const pod = node.createPod(shell('trap "" TERM; sleep 60 & echo $!; while true; do sleep 0.05; done'));
    const child = Number(await until(() => node.logOf(pod).then((text) => text.trim())));
    node.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
    await node.untilGone(pod);
    const last = node.historyOf(pod).at(-1);
    expect(last && endOf(last)?.exitCode).toBe(137);
    await until(() => findStartTime(child) === undefined);
  });

  test('with no grace at all is gone at once, and its process soon after', async () => {
    const pod = node.createPod(shell('echo $$$$; exec sleep 60'));
    const pid = Number(await until(() => node.logOf(pod).then((text) => text.trim())));
    node.registry.delete(
      'pods',
      { namespace: 'default', name: pod.metadata.name },
      { gracePeriodSeconds: 0 },
    );
    expect(node.find(pod)).toBeUndefined();
    await until(() => findStartTime(pid) === undefined);
  });

  test('before it could start is Failed without a known end', async () => {
    const pod = node.createPod({ image: 'absent', command: ['true'] });
    await node.untilPod(
      pod,
      ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImagePull',
    );
    node.registry.delete('pods', { namespace: 'default', name: pod.metadata.name });
    await node.untilGone(pod);
    const last = node.historyOf(pod).at(-1);
    expect(last && endOf(last)).toMatchObject({ exitCode: 137, reason: 'ContainerStatusUnknown' });
  });
});
