import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createEventRecorder } from '../../src/local-cluster/event-recorder.ts';
import { startGarbageCollector } from '../../src/local-cluster/garbage-collector.ts';
import { startJobController } from '../../src/local-cluster/job-controller/job-controller.ts';
import type { Backoff } from '../../src/local-cluster/job-controller/retry-delay.ts';
import type { Event, Job, Pod } from '../../src/local-cluster/objects.ts';
import { openRegistry } from '../../src/local-cluster/registry.ts';
import type { Registry } from '../../src/local-cluster/registry-contract.ts';

const namespace = 'default';

const toIndex = ({ metadata }: Pod) =>
  Number(metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? 0);

type JobSpec = Omit<Partial<Job['spec']>, 'template'> & { podSpec?: object };

/**
 * A registry on disk with the Job controller and the garbage collector on it, and a node that is played by hand: `run`,
 * `exit` and `end` write what a kubelet would. `settle` waits until the controllers have nothing more to say.
 */
export function openStage({ backoff }: { backoff?: Backoff } = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'job-stage-'));
  const faults: unknown[] = [];
  const log = { error: (fault: unknown) => void (writesLeft >= 0 && faults.push(fault)) };
  const changes: { type: string; name: string; status: Job['status'] }[] = [];

  let writesLeft = Infinity;

  function spend(): void {
    writesLeft -= 1;
    if (writesLeft < 0) throw new Error('killed');
  }

  /** What the controllers get: it dies when its writes are used up. */
  const mortal = (registry: Registry): Registry => ({
    ...registry,
    create(resource, into, input) {
      spend();
      return registry.create(resource, into, input);
    },
    update(resource, key, change) {
      spend();
      return registry.update(resource, key, change);
    },
    delete(resource, key, options) {
      spend();
      return registry.delete(resource, key, options);
    },
  });

  function start() {
    const registry = openRegistry({ dataDir, log });
    const given = mortal(registry);
    const events = createEventRecorder(given, log);
    writesLeft = Infinity;
    const stops = [
      registry.subscribe('jobs', ({ type, object }) => {
        changes.push({ type, name: object.metadata.name, status: structuredClone(object.status) });
      }),
      startJobController({ registry: given, events, log, backoff }).stop,
      startGarbageCollector({ registry: given, log }).stop,
      () => registry.close(),
    ];
    return { registry, stop: () => stops.forEach((stop) => stop()) };
  }

  let running = start();

  function createJob(name: string, { podSpec, ...spec }: JobSpec = {}): Job {
    const containers = [{ name: 'main', image: 'worker' }];
    const template = { spec: { restartPolicy: 'Never', containers, ...podSpec } };
    const input = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { ...spec, template } };
    return running.registry.create('jobs', namespace, input);
  }

  const job = (name: string): Job => {
    const found = running.registry.find('jobs', namespace, name);
    if (!found) throw new Error(`no Job ${name}`);
    return found;
  };

  /** The Job's pods, in order of their index or creation; those that have not ended when `unfinished`. */
  function pods(name: string, { unfinished = false } = {}): Pod[] {
    return running.registry
      .list('pods', namespace)
      .filter((pod) => pod.metadata.labels?.['batch.kubernetes.io/job-name'] === name)
      .filter((pod) => !unfinished || (pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed'))
      .toSorted(
        (a, b) =>
          toIndex(a) - toIndex(b) || Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
      );
  }

  function edit(pod: Pod, change: (draft: Pod) => void): void {
    const { name, uid } = pod.metadata;
    running.registry.update('pods', { namespace, name, uid }, change);
  }

  function run(pod: Pod, { restartCount = 0 } = {}): void {
    edit(pod, ({ spec, status }) => {
      spec.nodeName = 'local';
      status.phase = 'Running';
      status.conditions = [{ type: 'Ready', status: 'True' }];
      const state = { running: { startedAt: new Date().toISOString() } };
      status.containerStatuses = [
        { name: 'main', image: 'worker', imageID: '', ready: true, restartCount, state },
      ];
    });
  }

  function exit(pod: Pod, exitCode: number, conditions: Pod['status']['conditions'] = []): void {
    edit(pod, ({ spec, status }) => {
      spec.nodeName = 'local';
      status.phase = exitCode === 0 ? 'Succeeded' : 'Failed';
      status.conditions = [{ type: 'Ready', status: 'False' }, ...conditions];
      const state = { terminated: { exitCode, finishedAt: new Date().toISOString() } };
      status.containerStatuses = [
        { name: 'main', image: 'worker', imageID: '', ready: false, restartCount: 0, state },
      ];
    });
  }

  /** What a kubelet does at the end of a deleted pod. */
  function end(pod: Pod, exitCode = 143): void {
    exit(pod, exitCode);
    running.registry.delete('pods', { namespace, name: pod.metadata.name }, { gracePeriodSeconds: 0 });
  }

  async function settle(): Promise<void> {
    let before = '';
    for (let quiet = 0; quiet < 5; quiet += 1) {
      await setImmediate();
      const now = `${running.registry.version()}`;
      if (now !== before) quiet = 0;
      before = now;
    }
  }

  const events = (about: string): Event[] =>
    running.registry.list('events', namespace).filter(({ involvedObject }) => involvedObject.name === about);

  return {
    get registry() {
      return running.registry;
    },
    namespace,
    faults,
    createJob,
    job,
    pods,
    run,
    exit,
    end,
    settle,
    /** The statuses that watchers of the Job saw, its creation first. */
    history: (name: string) => changes.filter((change) => change.name === name).map(({ status }) => status),
    conditions: (name: string) =>
      (job(name).status.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`),
    notes: (about: string) => events(about).map(({ reason, message }) => `${reason}: ${message}`),
    events,
    /** The controllers get no further than so many writes, until the restart. */
    killAfter: (writes: number) => {
      writesLeft = writes;
    },
    /** As when the process is killed and started again. */
    restart: () => {
      running.stop();
      running = start();
    },
    close: () => {
      running.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

export type Stage = ReturnType<typeof openStage>;
