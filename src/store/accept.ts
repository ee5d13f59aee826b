import type { Job } from '../core/job.ts';
import type { JobSpec } from '../core/job-request.ts';
import type { Sql } from './database.ts';
import type { JobViews } from './job-views.ts';
import type { Tombstones } from './tombstones.ts';
import type { Writes } from './writes.ts';

/** A request as it was accepted, with the name that its Kubernetes Job will have. */
export type NewJob = {
  id: string;
  /** By the client, who may ask for it again; one that was drawn here nobody knows beforehand. */
  idGiven: boolean;
  name: string;
  spec: JobSpec;
  /** Of what was asked for: the same key or id with another hash is another request. */
  requestHash: string;
  idempotencyKey: string | null;
  rerunOf: string | null;
  namespace: string;
  generateName: string;
  kubernetesName: string;
};

export type Accepted =
  { kind: 'accepted' | 'same'; job: Job } | { kind: 'conflict'; by: 'id' | 'key' } | { kind: 'queue-full' };

type Known = { id: string; hash: string };

type Parts = { db: Sql; writes: Writes; views: JobViews; tombstones: Tombstones };

export function createAccept({ db, writes, views, tombstones }: Parts) {
  const knownKey = db.prepare<[string], Known>(
    'SELECT job_id AS id, request_hash AS hash FROM idempotency_keys WHERE key = ?',
  );
  const queued = db.prepare("SELECT jobs FROM job_counts WHERE state = 'QUEUED'").pluck();
  const knownId = db.prepare<{ id: string }, Known>(
    `SELECT id, request_hash AS hash FROM jobs WHERE id = @id
     UNION ALL SELECT job_id, request_hash FROM tombstones WHERE job_id = @id`,
  );
  const insertKey = db.prepare(
    'INSERT INTO idempotency_keys (key, request_hash, job_id, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const insertJob = db.prepare(
    `INSERT INTO jobs (id, name, spec, priority, request_hash, id_given, rerun_of, namespace, generate_name, kubernetes_name,
       created_at)
     VALUES (@id, @name, @spec, @priority, @requestHash, @idGiven, @rerunOf, @namespace, @generateName, @kubernetesName,
       @createdAt)`,
  );

  /**
   * The same key or id with the same request gives the job that is already there, or was until it was removed; also when
   * `maxQueued` jobs wait and there is no room for another one.
   */
  function acceptJob(job: NewJob, { maxQueued = Infinity }: { maxQueued?: number } = {}): Accepted {
    return writes.transact(() => accept(job, maxQueued));
  }

  function accept(job: NewJob, maxQueued: number): Accepted {
    const byKey = job.idempotencyKey === null ? undefined : knownKey.get(job.idempotencyKey);
    if (byKey !== undefined && byKey.hash !== job.requestHash) return { kind: 'conflict', by: 'key' };
    const known = byKey ?? knownId.get({ id: job.id });
    if (known === undefined && Number(queued.get()) >= maxQueued) return { kind: 'queue-full' };
    if (known !== undefined && known.hash !== job.requestHash) return { kind: 'conflict', by: 'id' };
    const id = known?.id ?? job.id;
    const createdAt = writes.now();
    if (known === undefined) insert(job, createdAt);
    if (job.idempotencyKey !== null) insertKey.run(job.idempotencyKey, job.requestHash, id, createdAt);
    if (known === undefined) return { kind: 'accepted', job: toQueuedJob(job, createdAt) };
    return { kind: 'same', job: views.findJob(id) ?? tombstones.getJob(id) };
  }

  function insert({ idempotencyKey: _key, spec, ...job }: NewJob, createdAt: string): void {
    insertJob.run({
      ...job,
      idGiven: job.idGiven ? 1 : 0,
      spec: JSON.stringify(spec),
      priority: spec.priority,
      createdAt,
    });
    writes.append({ jobId: job.id, kind: 'state', state: 'QUEUED' });
  }

  return { acceptJob };
}

/** The same that `findJob` would read back: of a new job there is nothing else to know. */
function toQueuedJob({ id, name, spec, rerunOf, namespace, kubernetesName }: NewJob, createdAt: string): Job {
  return {
    id,
    name,
    template: null,
    schedule: null,
    state: 'QUEUED',
    report: null,
    result: null,
    reason: null,
    explanation: null,
    discrepancy: null,
    spec,
    rerunOf,
    cancelRequestedAt: null,
    kubernetes: { namespace, name: kubernetesName, uid: null, succeeded: 0, failed: 0, active: 0 },
    createdAt,
    startedAt: null,
    finishedAt: null,
    tasks: [],
    reports: [],
    conditions: [],
  };
}
