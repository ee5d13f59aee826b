/**
 * The Job controller: makes pods for Jobs, retries them, counts how they ended, and says when a Job is over.
 *
 * Owns: pods of Jobs (their creation and removal), the job-tracking finalizer, `status` of Jobs, their TTL.
 * May import: the registry's type, the event recorder, the work queue. Never: HTTP, processes, the disk.
 *
 * `job-decision.ts` is the pure core: (Job, pods, now) to a decision. `job-turn.ts` carries it out. All state is in the
 * objects, so a controller that starts over comes to the same decisions.
 */
import type { Logger } from 'pino';
import type { EventRecorder } from '../event-recorder.ts';
import type { Pod } from '../objects.ts';
import type { Registry } from '../registry-contract.ts';
import { createWorkQueue } from '../work-queue.ts';
import { createJobTurn } from './job-turn.ts';
import { findJobReference, indexPodsByJob } from './pods-by-job.ts';
import type { Backoff } from './retry-delay.ts';
import { defaultBackoff } from './retry-delay.ts';

export type JobControllerOptions = {
  registry: Registry;
  events: EventRecorder;
  log: Pick<Logger, 'error'>;
  /** Delay between a failed pod and its replacement; 10 s doubling to 10 min. */
  backoff?: Backoff;
};

export type JobController = {
  /** Resolves when the Job of the pod has had a turn in which the pod was seen as it is now. */
  untilSeen: (pod: Pod) => Promise<void>;
  /** Nothing of it runs any more, and no Job is changed. */
  stop: () => void;
};

/** Starts on all Jobs that exist. */
export function startJobController({
  registry,
  events,
  log,
  backoff = defaultBackoff,
}: JobControllerOptions): JobController {
  const queue = createWorkQueue({
    work: (key) => {
      const [namespace = '', name = ''] = key.split('/');
      const wakeInMs = turn.run({ namespace, name });
      if (wakeInMs !== undefined) queue.addAfter(key, wakeInMs);
    },
    onError: (error, job) => log.error({ err: error, job }, 'a Job could not be brought forward'),
  });
  const index = indexPodsByJob(registry, (job) => queue.add(toText(job)));
  const turn = createJobTurn({ registry, events, podsOf: index.podsOf, backoff });
  const unsubscribe = registry.subscribe('jobs', ({ type, object }) => {
    if (type === 'DELETED') turn.forget(object);
    else queue.add(toText(object.metadata));
  });
  for (const { metadata } of registry.list('jobs')) queue.add(toText(metadata));

  return {
    async untilSeen(pod) {
      const job = findJobReference(pod);
      if (job) await queue.untilTurn(toText({ namespace: pod.metadata.namespace, name: job.name }));
    },
    stop: () => {
      unsubscribe();
      index.stop();
      queue.stop();
    },
  };
}

const toText = ({ namespace = '', name }: { namespace?: string; name: string }) => `${namespace}/${name}`;
