import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { createEventRecorder } from '../../src/local-cluster/event-recorder.ts';
import type { Backoff } from '../../src/local-cluster/kubelet/backoff.ts';
import type { Images } from '../../src/local-cluster/kubelet/image.ts';
import { createKubelet } from '../../src/local-cluster/kubelet/kubelet.ts';
import type { LogOptions } from '../../src/local-cluster/kubelet/log-reader.ts';
import { openProcessTable } from '../../src/local-cluster/kubelet/process-table.ts';
import { recoverPods } from '../../src/local-cluster/kubelet/recovery.ts';
import { describeMachine } from '../../src/local-cluster/machine.ts';
import type { Pod } from '../../src/local-cluster/objects.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import { startScheduler } from '../../src/local-cluster/scheduler.ts';
import { until } from '../support/until.ts';
import { silentLog } from './silent-log.ts';

/** Any command of this machine, with this Node on its PATH. */
const plainImage = {
  entrypoint: [],
  cmd: [],
  env: { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` },
};

export type NodeOptions = {
  images?: Images;
  backoff?: Backoff;
  dataDir?: string;
  stopGraceMs?: number;
  /** In the place of a Job controller, which is not there. */
  untilSeen?: () => Promise<void>;
  log?: Logger;
  now?: () => Date;
};

/** A registry, a scheduler and a kubelet on a directory of their own: a cluster without API and controllers. */
export async function startNode(options: NodeOptions = {}) {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'jobspawn-node-')));
  const { log = silentLog, now } = options;
  const registry = openRegistry({ dataDir, log, ...(now && { now }) });
  const machine = describeMachine(dataDir);
  const processes = openProcessTable(join(dataDir, 'processes'));
  await recoverPods(registry, { processes, machine });
  const events = createEventRecorder(registry, log);
  const kubelet = createKubelet({
    registry,
    events,
    machine,
    images: options.images ?? { plain: plainImage },
    processes,
    podsDir: join(dataDir, 'pods'),
    pipesDir: join(dataDir, 'pipes'),
    backoff: options.backoff ?? { initialMs: 200, maxMs: 1000 },
    stopGraceMs: options.stopGraceMs ?? 500,
    untilSeen: options.untilSeen ?? (() => Promise.resolve()),
    log,
  });
  kubelet.start();
  const scheduler = startScheduler({ registry, events, machine, log });
  const history = new Map<string, Pod[]>();
  registry.subscribe('pods', ({ object }) => {
    history.set(object.metadata.name, [...(history.get(object.metadata.name) ?? []), object]);
  });

  async function stopAll(): Promise<void> {
    scheduler.stop();
    await kubelet.stop();
    registry.close();
  }

  return {
    dataDir,
    registry,
    kubelet,
    /** A pod with one container `main`, unless `spec` says otherwise. */
    createPod: (container: object, spec: object = {}, metadata: object = {}): Pod =>
      registry.create('pods', 'default', {
        metadata: { generateName: 'pod-', ...metadata },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 2,
          containers: [{ name: 'main', image: 'plain', ...container }],
          ...spec,
        },
      }),
    find: (pod: Pod) => registry.find('pods', 'default', pod.metadata.name),
    untilPod: (pod: Pod, holds: (current: Pod) => unknown): Promise<Pod> =>
      until(() => {
        const current = registry.find('pods', 'default', pod.metadata.name);
        return current && holds(current) ? current : undefined;
      }),
    untilGone: (pod: Pod) => until(() => registry.find('pods', 'default', pod.metadata.name) === undefined),
    historyOf: (pod: Pod): Pod[] => history.get(pod.metadata.name) ?? [],
    eventsOf: (pod: Pod) =>
      registry.list('events', 'default').filter((event) => event.involvedObject.uid === pod.metadata.uid),
    async logOf(pod: Pod, asked: LogOptions & { container?: string } = {}): Promise<string> {
      const current = registry.find('pods', 'default', pod.metadata.name) ?? pod;
      const chunks: Buffer[] = [];
      const { signal } = new AbortController();
      for await (const chunk of kubelet.readLog(current, asked.container ?? 'main', asked, signal)) {
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString();
    },
    /** Stops the parts and keeps the directory, so that another node may start on it. */
    stopAll,
    async stop(): Promise<void> {
      await stopAll();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export type NodeUnderTest = Awaited<ReturnType<typeof startNode>>;

export const isOver = (pod: Pod) => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';

export const endOf = (pod: Pod, container = 'main') =>
  [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])].find(
    ({ name }) => name === container,
  )?.state?.terminated;

export const waitingReasonOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.state?.waiting?.reason;

/** Whether a process is there; a zombie that nobody has reaped is not. */
export { findStartTime } from '../../src/local-cluster/kubelet/session.ts';
