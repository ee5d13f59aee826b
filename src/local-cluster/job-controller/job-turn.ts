import { StatusError } from '../api/status-error.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { finalizers, isCollecting, removeFinalizer } from '../finalizers.ts';
import type { Job, Pod } from '../objects.ts';
import type { Registry } from '../registry-contract.ts';
import { isFinished } from './conditions.ts';
import { createCreationHold } from './creation-hold.ts';
import { createFinishMemory } from './finish-memory.ts';
import type { JobDecision, JobNote } from './job-decision.ts';
import { decideJob } from './job-decision.ts';
import { names } from './names.ts';
import type { PodSeed } from './pod-plan.ts';
import { isTracked } from './pod-state.ts';
import { toPod } from './pod-template.ts';
import type { PodsByJob } from './pods-by-job.ts';
import type { Backoff } from './retry-delay.ts';
import { remainingTtl } from './ttl-after-finished.ts';

type Key = { namespace: string; name: string };

export type JobTurnOptions = {
  registry: Registry;
  events: EventRecorder;
  podsOf: PodsByJob['podsOf'];
  backoff: Backoff;
};

/** One turn of a Job: look at it, decide, and do what was decided. `run` returns when to come again, in ms. */
export function createJobTurn({ registry, events, podsOf, backoff }: JobTurnOptions) {
  const memory = createFinishMemory();
  const hold = createCreationHold();

  const note = (job: Job, said: JobNote) =>
    events.record({ about: job, component: names.component, ...said });

  function release(pod: Pod): void {
    registry.update('pods', toKey(pod), ({ metadata }) => removeFinalizer(metadata, finalizers.jobTracking));
  }

  function remove(job: Job, { pods, releaseFirst }: JobDecision['remove']): void {
    for (const pod of pods) {
      if (releaseFirst) release(pod);
      registry.delete('pods', toKey(pod), { propagationPolicy: 'Background' });
      note(job, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
    }
  }

  /** Stops at the first refusal, since the next pod would meet the same one. Returns how many were made. */
  function create(job: Job, seeds: PodSeed[]): number {
    for (const [made, seed] of seeds.entries()) {
      try {
        const { metadata } = registry.create('pods', job.metadata.namespace ?? '', toPod(job, seed));
        note(job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` });
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        const closing = error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating');
        const message = `Error creating: ${error.message}`;
        if (!closing) note(job, { type: 'Warning', reason: 'FailedCreate', message });
        hold.extend(job.metadata.uid);
        return made;
      }
    }
    if (seeds.length > 0) hold.lift(job.metadata.uid);
    return seeds.length;
  }

  function writeStatus(job: Job, status: Job['status'], missing: number): void {
    const { active = 0, ...rest } = status;
    registry.update('jobs', toKey(job), (draft) => {
      draft.status = active > missing ? { ...status, active: active - missing } : rest;
    });
  }

  function apply(job: Job, { remove: removal, create: seeds, accounts, notes }: JobDecision): void {
    remove(job, removal);
    const missing = seeds.length - create(job, seeds);
    writeStatus(job, accounts.interim, missing);
    for (const pod of accounts.release) release(pod);
    writeStatus(job, accounts.final, missing);
    for (const said of notes) note(job, said);
  }

  function tidyFinished(job: Job, now: Date): number | undefined {
    forget(job);
    for (const pod of podsOf(toKey(job)).filter(isTracked)) release(pod);
    const ttl = remainingTtl(job, now);
    if (ttl !== 0) return ttl;
    const { uid } = job.metadata;
    registry.delete('jobs', toKey(job), { propagationPolicy: 'Foreground', preconditions: { uid } });
    return undefined;
  }

  function forget(job: Job): void {
    memory.forget(job.metadata.uid);
    hold.lift(job.metadata.uid);
  }

  function run(key: Key): number | undefined {
    const job = registry.find('jobs', key.namespace, key.name);
    if (!job || isCollecting(job.metadata)) return undefined;
    if ((job.spec.managedBy ?? names.managedBy) !== names.managedBy) return undefined;
    const now = new Date();
    if (isFinished(job)) return tidyFinished(job, now);
    const pods = podsOf(toKey(job));
    const pace = {
      finishes: memory.recall(job, pods),
      backoff,
      holdMs: hold.remaining(job.metadata.uid, now),
    };
    const decision = decideJob({ job, pods, now, pace });
    apply(job, decision);
    const holdMs = hold.remaining(job.metadata.uid, now);
    if (holdMs === 0) return decision.wakeInMs;
    return Math.min(holdMs, decision.wakeInMs ?? holdMs);
  }

  return { run, forget };
}

const toKey = ({ metadata: { namespace = '', name, uid } }: Job | Pod) => ({ namespace, name, uid });
