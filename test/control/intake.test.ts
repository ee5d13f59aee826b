import { createHash, randomFillSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { commandLine } from '../../src/core/access.ts';
import { createIntake } from '../../src/control/intake.ts';
import type { Intake } from '../../src/control/intake.ts';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import type { NewJob } from '../../src/store/accept.ts';
import { anySpec } from '../support/any-spec.ts';
import { completeJob } from '../support/sightings.ts';
import { openStage } from '../store/stage.ts';
import type { Stage } from '../store/stage.ts';

let stage: Stage;
let intake: Intake;

beforeEach(() => {
  stage = openStage();
  intake = createIntake(parts());
});

function parts(): Parameters<typeof createIntake>[0] {
  return {
    store: stage.store,
    clock: stage.clock,
    random: (bytes) => randomFillSync(bytes),
    workerImage: 'jobspawn-worker',
    namespace: 'jobs',
    specPolicy: anySpec,
    maxQueued: 1000,
  };
}

afterEach(() => stage.close());

const accept = (body: object, idempotencyKey: string | null = null) =>
  intake.accept(jobRequestSchema.parse({ name: 'Nightly Report', ...body }), {
    idempotencyKey,
    by: commandLine,
  });

const conflict = expect.objectContaining({ code: 'conflict' });

test('a request becomes a queued job with a time-ordered id and the name of its Kubernetes Job', async () => {
  const { kind, job } = await accept({});
  expect(kind).toBe('accepted');
  expect(job.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(job.kubernetes).toMatchObject({
    namespace: 'jobs',
    name: expect.stringMatching(/^nightly-report-[bcdfghjklmnpqrstvwxz2456789]{10}$/),
  });
  expect(job.spec.image).toBe('jobspawn-worker');
  stage.advance(1);
  expect((await accept({})).job.id > job.id).toBe(true);
});

test('of many requests of one moment each has an id of its own', async () => {
  const accepted = await Promise.all(Array.from({ length: 100 }, () => accept({})));
  expect(new Set(accepted.map(({ job }) => job.id)).size).toBe(100);
});

describe('the same request again', () => {
  test('without a key or an id is another job', async () => {
    expect((await accept({})).job.id).not.toBe((await accept({})).job.id);
  });

  test('with its key is the same job, whatever the order of its fields', async () => {
    const first = await accept({ env: { A: '1', B: '2' }, priority: 1 }, 'key');
    const again = await accept({ priority: 1, env: { B: '2', A: '1' } }, 'key');
    expect(again).toEqual({ kind: 'same', job: first.job });
  });

  test('with its id is the same job', async () => {
    await accept({ id: 'mine' });
    expect(await accept({ id: 'mine' })).toMatchObject({ kind: 'same', job: { id: 'mine' } });
  });

  test('that names a default is the same as one that leaves it out', async () => {
    await accept({ id: 'mine' });
    expect((await accept({ id: 'mine', backoffLimit: 0 })).kind).toBe('same');
  });

  test('is recognized by what was asked alone, so that a later version with more defaults still knows it', async () => {
    const hashes: string[] = [];
    const acceptJob = (job: NewJob) => {
      hashes.push(job.requestHash);
      return stage.store.acceptJob(job);
    };
    const { store } = stage;
    const watched = createIntake({ ...parts(), store: { ...store, acceptJob } });
    await watched.accept(jobRequestSchema.parse({ name: 'a', args: ['x'], priority: 0 }), {
      idempotencyKey: null,
      by: commandLine,
    });
    expect(hashes).toEqual([createHash('sha256').update('{"args":["x"],"name":"a"}').digest('hex')]);
  });
});

test('another request with a used key or id is a conflict', async () => {
  await accept({ id: 'mine' }, 'key');
  await expect(accept({ id: 'mine', args: ['x'] })).rejects.toEqual(conflict);
  await expect(accept({ id: 'mine', args: ['x'] }, 'key')).rejects.toEqual(conflict);
  expect(stage.store.countStates().QUEUED).toBe(1);
});

test('a full queue takes no new job, but still knows those that it has, and takes more once there is room', async () => {
  const small = createIntake({ ...parts(), maxQueued: 2 });
  const take = (id: string) =>
    small.accept(jobRequestSchema.parse({ name: 'a', id }), { idempotencyKey: null, by: commandLine });
  await Promise.all([take('one'), take('two')]);
  const full = expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 10 });
  await expect(take('three')).rejects.toEqual(full);
  await expect(small.rerun('one', { idempotencyKey: null, by: commandLine })).rejects.toEqual(full);
  expect(await take('two')).toMatchObject({ kind: 'same' });
  await small.cancel('one', { by: commandLine });
  expect(await take('three')).toMatchObject({ kind: 'accepted' });
  expect(stage.store.countStates()).toMatchObject({ QUEUED: 2, CANCELLED: 1 });
});

test('a job run again is a new one of the same spec, linked to the first, under an id of its own', async () => {
  const { job } = await accept({ id: 'mine', args: ['a'] }, 'key');
  const again = (await intake.rerun('mine', { idempotencyKey: null, by: commandLine })).job;
  expect(again).toMatchObject({ name: 'Nightly Report', rerunOf: 'mine', spec: job.spec, state: 'QUEUED' });
  expect(again.id).not.toBe('mine');
  expect(again.kubernetes.name).not.toBe(job.kubernetes.name);
  expect((await intake.rerun('mine', { idempotencyKey: null, by: commandLine })).job.id).not.toBe(again.id);
  await expect(intake.rerun('nobody', { idempotencyKey: null, by: commandLine })).rejects.toEqual(
    expect.objectContaining({ code: 'not-found' }),
  );
});

const cancel = (id: string) => intake.cancel(id, { by: commandLine });
function strict(): Intake {
  return createIntake({ ...parts(), specPolicy: { ...anySpec, images: ['jobspawn-worker'], cpu: '1' } });
}

describe('where not every spec is allowed', () => {
  const refused = expect.objectContaining({
    code: 'invalid',
    faults: [
      { pointer: '/image', detail: 'must be an allowed image: jobspawn-worker' },
      { pointer: '/resources/cpu', detail: 'must be at most 1' },
    ],
  });
  const greedy = { name: 'a', image: 'other', resources: { cpu: '2' } };

  test('what goes beyond is refused with each fault at its field, and not stored', async () => {
    const asked = jobRequestSchema.parse(greedy);
    await expect(strict().accept(asked, { idempotencyKey: 'key', by: commandLine })).rejects.toEqual(refused);
    expect(stage.store.countStates().QUEUED).toBe(0);
    const allowed = jobRequestSchema.parse({ name: 'a' });
    expect(await strict().accept(allowed, { idempotencyKey: 'key', by: commandLine })).toMatchObject({
      kind: 'accepted',
    });
  });

  test('a job of wider days is not run again, but a repeat of its request is still answered with it', async () => {
    await accept({ ...greedy, id: 'mine' });
    await expect(strict().rerun('mine', { idempotencyKey: null, by: commandLine })).rejects.toEqual(refused);
    const again = jobRequestSchema.parse({ ...greedy, id: 'mine' });
    expect(await strict().accept(again, { idempotencyKey: null, by: commandLine })).toMatchObject({
      kind: 'same',
      job: { id: 'mine' },
    });
    const other = jobRequestSchema.parse({ ...greedy, id: 'mine', args: ['x'] });
    await expect(strict().accept(other, { idempotencyKey: null, by: commandLine })).rejects.toEqual(refused);
    expect(stage.store.countStates().QUEUED).toBe(1);
  });
});

test('a cancel is carried out, repeated without harm, and refused where there is nothing to cancel', async () => {
  await accept({ id: 'mine' });
  expect(await cancel('mine')).toEqual({ kind: 'cancelled' });
  expect(await cancel('mine')).toEqual({ kind: 'already-cancelled' });
  await expect(cancel('nobody')).rejects.toEqual(expect.objectContaining({ code: 'not-found' }));
  const id = stage.create();
  expect(await cancel(id)).toEqual({ kind: 'requested' });
  stage.store.observeJob(id, completeJob());
  await expect(cancel(id)).rejects.toEqual(conflict);
});

test('who wished for what is on record exactly when it happened', async () => {
  const by = { name: 'ada', address: '192.0.2.1' };
  const request = jobRequestSchema.parse({ name: 'a', id: 'mine' });
  await intake.accept(request, { idempotencyKey: null, by });
  await intake.accept(request, { idempotencyKey: null, by });
  await intake.cancel('mine', { by });
  await intake.cancel('mine', { by });
  const { job } = await intake.rerun('mine', { idempotencyKey: null, by });
  const entries = stage.store.listAudit({ after: 0, limit: 10 });
  expect(entries.map(({ principal, action, target }) => [principal, action, target])).toEqual([
    ['ada', 'submit', 'mine'],
    ['ada', 'cancel', 'mine'],
    ['ada', 'rerun', job.id],
  ]);
});

const noteAction = () => {
  throw new Error('the disk is full');
};

test('what cannot be put on record does not happen', async () => {
  const unheard = createIntake({ ...parts(), store: { ...stage.store, noteAction } });
  const request = jobRequestSchema.parse({ name: 'a', id: 'mine' });
  await expect(unheard.accept(request, { idempotencyKey: null, by: commandLine })).rejects.toThrow('full');
  expect(stage.store.findJob('mine')).toBeUndefined();
  const id = stage.accept({ id: 'other' });
  await expect(unheard.cancel(id, { by: commandLine })).rejects.toThrow('full');
  expect(stage.store.findJob(id)).toMatchObject({ state: 'QUEUED', cancelRequestedAt: null });
});
