import { hash } from 'node:crypto';
import { ulid } from 'ulid';
import type { Actor } from '../core/access.ts';
import { AppError } from '../core/app-error.ts';
import type { Fault } from '../core/app-error.ts';
import type { Job } from '../core/job.ts';
import { toAsked, toJobSpec } from '../core/job-request.ts';
import type { JobRequest, JobSpec } from '../core/job-request.ts';
import { drawNameSuffix, toNamePrefix } from '../core/names.ts';
import { findPolicyFaults } from '../core/spec-policy.ts';
import type { SpecPolicy } from '../core/spec-policy.ts';
import type { Store } from '../store/store.ts';
import { createRandomPool } from './random-pool.ts';

type IntakeOptions = {
  store: Pick<Store, 'acceptJob' | 'findSummary' | 'groupCommit' | 'requestCancel' | 'noteAction'>;
  clock: () => Date;
  /** Fills the bytes it is given, as node:crypto's randomFillSync does. */
  random: (bytes: Uint8Array) => Uint8Array;
  workerImage: string;
  namespace: string;
  specPolicy: SpecPolicy;
  /** Jobs that may wait in the queue; beyond them new ones are refused, `unavailable`. */
  maxQueued: number;
};

/** A full queue drains at the pace of the cluster, a few jobs a second: sooner there would hardly be more room. */
const retryAfterSeconds = 10;

type Draft = {
  id: string | null;
  name: string;
  spec: JobSpec;
  requestHash: string;
  idempotencyKey: string | null;
  rerunOf: string | null;
  by: Actor;
};

/** By whom it is wished, and what tells a repeat of it. */
type Repeatable = { idempotencyKey: string | null; by: Actor };

export type Intake = ReturnType<typeof createIntake>;

/** Wishes of people and programs on their way into the store. None of them waits for the cluster. */
export function createIntake({
  store,
  clock,
  random,
  workerImage,
  namespace,
  specPolicy,
  maxQueued,
}: IntakeOptions) {
  const { nextByte, drawBytes } = createRandomPool(random);

  /**
   * The new job, or the one that the same key or id with the same request made before; on the disk when the promise resolves.
   * Rejects with AppError `invalid` for a spec beyond the policy, `conflict`, or `unavailable` when too many jobs wait.
   */
  function accept(request: JobRequest, { idempotencyKey, by }: Repeatable): Promise<Accepted> {
    return keep({
      id: request.id ?? null,
      name: request.name,
      spec: toJobSpec(request, workerImage),
      requestHash: hashOf(toAsked(request)),
      idempotencyKey,
      rerunOf: null,
      by,
    });
  }

  /**
   * A new job with the same name and spec, and an id of its own; or the one that the same key made of it before. Rejects with
   * AppError `not-found`, or as `accept` does.
   */
  async function rerun(id: string, { idempotencyKey, by }: Repeatable): Promise<Accepted> {
    const job = store.findSummary(id);
    if (job === undefined) throw noSuchJob();
    const { name, spec } = job;
    return keep({
      id: null,
      name,
      spec,
      requestHash: hashOf({ rerunOf: id, name, spec }),
      idempotencyKey,
      rerunOf: id,
      by,
    });
  }

  /** Rejects with AppError `not-found`, or `conflict` for a job that has already ended otherwise. */
  async function cancel(id: string, { by }: { by: Actor }): Promise<Cancelled> {
    const kind = await store.groupCommit(() => {
      const outcome = store.requestCancel(id, 'User');
      if (outcome === 'cancelled' || outcome === 'requested') {
        store.noteAction({ by, action: 'cancel', target: id });
      }
      return outcome;
    });
    if (kind === 'unknown-job') throw noSuchJob();
    if (kind === 'ended')
      throw new AppError('conflict', 'The job has already ended; there is nothing to cancel.');
    return { kind };
  }

  async function keep({ id, by, ...draft }: Draft): Promise<Accepted> {
    const generateName = `${toNamePrefix(draft.name)}-`;
    const job = {
      ...draft,
      id: id ?? ulid(clock().getTime(), draw),
      idGiven: id !== null,
      namespace,
      generateName,
      // Drawn once and for all: a create that is repeated under this name can never make a second Job.
      kubernetesName: generateName + drawNameSuffix(drawBytes),
    };
    const faults = findPolicyFaults(specPolicy, job.spec);
    // No room for what is refused. It is asked for all the same: a repeat of what was accepted under wider limits is the same job.
    const room = faults.length > 0 ? 0 : maxQueued;
    const action = job.rerunOf === null ? 'submit' : 'rerun';
    const outcome = await store.groupCommit(() => {
      const accepted = store.acceptJob(job, { maxQueued: room });
      if (accepted.kind === 'accepted') store.noteAction({ by, action, target: accepted.job.id });
      return accepted;
    });
    if (faults.length > 0 && outcome.kind !== 'same') throw notAllowed(faults);
    if (outcome.kind === 'queue-full') {
      throw new AppError('unavailable', `The queue is full (${maxQueued} waiting); try again later.`, {
        retryAfterSeconds,
      });
    }
    if (outcome.kind !== 'conflict') return outcome;
    throw new AppError(
      'conflict',
      outcome.by === 'key'
        ? 'This Idempotency-Key was used for another request.'
        : 'This id belongs to a job that was requested otherwise.',
    );
  }

  /** A number from 0 up to 1; the 256 steps fall evenly on the 32 letters of a ulid. */
  const draw = () => nextByte() / 256;

  return { accept, rerun, cancel };
}

type Cancelled = { kind: 'cancelled' | 'requested' | 'already-cancelled' };
type Accepted = { kind: 'accepted' | 'same'; job: Job };

function notAllowed(faults: Fault[]): AppError {
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  return new AppError('invalid', `What the job would run is not allowed here; it has ${count}.`, { faults });
}

function noSuchJob(): AppError {
  return new AppError('not-found', 'There is no such job.');
}

/** The same for two requests that mean the same, whatever the order of their fields. */
function hashOf(request: unknown): string {
  return hash('sha256', JSON.stringify(request, sortKeys), 'hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
