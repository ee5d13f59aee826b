import type { Job } from '../core/job.ts';
import type { JobSpec } from '../core/job-request.ts';
import type { Sql } from './database.ts';
import type { JobViews } from './job-views.ts';
import type { Writes } from './writes.ts';

/** A request as it was accepted, with the name that its Kubernetes Job will have. */
export type NewJob = {
  id: string;
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

export function createAccept({ db, writes, views }: { db: Sql; writes: Writes; views: JobViews }) {
  const knownKey = db.prepare<[string], Known>(
    'SELECT job_id AS id, request_hash AS hash FROM idempotency_keys WHERE key = ?',
  );
  const knownId = db.prepare<[string], Known>('SELECT id, request_hash AS hash FROM jobs WHERE id = ?');
  const queued = db.prepare("SELECT jobs FROM job_counts WHERE state = 'QUEUED'").pluck();
  const insertKey = db.prepare(
    'INSERT INTO idempotency_keys (key, request_hash, job_id, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const insertJob = db.prepare(
    `INSERT INTO jobs (id, name, spec, priority, request_hash, rerun_of, namespace, generate_name, kubernetes_name, created_at)
     VALUES (@id, @name, @spec, @priority, @requestHash, @rerunOf, @namespace, @generateName, @kubernetesName, @createdAt)`,
  );

  /**
   * The same key or id with the same request gives the job that is already there, also when `maxQueued` jobs wait and there is
   * no room for another one.
   */
  function acceptJob(job: NewJob, { maxQueued = Infinity }: { maxQueued?: number } = {}): Accepted {
    return writes.transact(() => accept(job, maxQueued));
  }

  function accept(job: NewJob, maxQueued: number): Accepted {
    const byKey = job.idempotencyKey === null ? undefined : knownKey.get(job.idempotencyKey);
    if (byKey !== undefined && byKey.hash !== job.requestHash) return { kind: 'conflict', by: 'key' };
    const known = byKey ?? knownId.get(job.id);
    if (known === undefined && Number(queued.get()) >= maxQueued) return { kind: 'queue-full' };
    if (known === undefined) insert(job);
    else if (known.hash !== job.requestHash) return { kind: 'conflict', by: 'id' };
    const id = known?.id ?? job.id;
    if (job.idempotencyKey !== null) insertKey.run(job.idempotencyKey, job.requestHash, id, writes.now());
    return { kind: known === undefined ? 'accepted' : 'same', job: views.getJob(id) };
  }

  function insert({ idempotencyKey: _key, spec, ...job }: NewJob): void {
    insertJob.run({
      ...job,
      spec: JSON.stringify(spec),
      priority: spec.priority,
      createdAt: writes.now(),
    });
    writes.append({ jobId: job.id, kind: 'state', state: 'QUEUED' });
  }

  return { acceptJob };
}
