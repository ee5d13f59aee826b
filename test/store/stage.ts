import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { jobSpecSchema } from '../../src/core/job-request.ts';
import type { JobSpec } from '../../src/core/job-request.ts';
import type { JobEvent } from '../../src/core/job.ts';
import type { NewJob } from '../../src/store/accept.ts';
import { openStore } from '../../src/store/store.ts';

export const silent = pino({ level: 'silent' });

/** A store on a file of its own, with a clock that stands still until it is moved. */
export function openStage() {
  const directory = mkdtempSync(join(tmpdir(), 'jobspawn-store-'));
  const path = join(directory, 'jobspawn.db');
  let now = Date.parse('2026-01-01T10:00:00.500Z');
  const clock = () => new Date(now);
  const open = () => openStore({ path, clock, log: silent });
  let store = open();
  return {
    path,
    clock,
    /** The store of this life of the process. */
    get store() {
      return store;
    },
    advance(ms: number): void {
      now += ms;
    },
    reopen(): void {
      store.close();
      store = open();
    },
    accept(changes: NewJobChanges = {}): string {
      return accept(store, changes);
    },
    /** Accepted, claimed and created, as `seenJob` shows it. */
    create(changes: NewJobChanges = {}): string {
      const id = accept(store, changes);
      store.claimDispatch(id);
      store.settleCreated(id, { uid: 'job-uid' });
      return id;
    },
    history(id: string): string[] {
      return store.listEvents({ after: 0, jobId: id, limit: 1000 }).map(toWord);
    },
    close(): void {
      store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export type Stage = ReturnType<typeof openStage>;

type NewJobChanges = Partial<Omit<NewJob, 'spec'>> & { spec?: Partial<JobSpec> };

export function newJob({ spec, ...changes }: NewJobChanges = {}): NewJob {
  return {
    id: 'job-1',
    idGiven: true,
    name: 'Report',
    spec: jobSpecSchema.parse({ image: 'worker', ...spec }),
    requestHash: 'hash',
    idempotencyKey: null,
    rerunOf: null,
    namespace: 'jobs',
    generateName: 'report-',
    kubernetesName: 'report-bcdfghjklm',
    ...changes,
  };
}

function accept(store: ReturnType<typeof openStore>, changes: NewJobChanges): string {
  const outcome = store.acceptJob(newJob(changes));
  if (outcome.kind !== 'accepted') throw new Error(`the job was not accepted: ${outcome.kind}`);
  return outcome.job.id;
}

/** `state:RUNNING`, `report:Half`, `pod:Running`, ... */
function toWord(event: JobEvent): string {
  return `${event.kind}:${event.status ?? event.phase ?? event.bytes ?? event.state}`;
}
