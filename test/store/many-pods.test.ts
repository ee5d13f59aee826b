import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { decide } from '../../src/core/decide.ts';
import type { JobFacts, PodObservation } from '../../src/core/facts.ts';
import { toStartedAt } from '../../src/core/job-times.ts';
import { createFactsReader } from '../../src/store/facts.ts';
import { createJobRows } from '../../src/store/jobs.ts';
import { createPodRows } from '../../src/store/pods.ts';
import { completeJob, exitedPod, failedJob, runningPod, seenPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
let db: Database.Database;

beforeAll(() => {
  stage = openStage();
  db = new Database(stage.path, { readonly: true });
});

afterAll(() => {
  db.close();
  stage.close();
});

const looks: PodObservation[] = [
  seenPod(),
  seenPod({ reason: 'ImagePullBackOff' }),
  seenPod({ reason: 'Unschedulable', message: 'no room' }),
  seenPod({ phase: 'Failed', reason: 'Evicted' }),
  runningPod(),
  runningPod({ startedAt: null }),
  runningPod({ startedAt: '2026-01-01T10:00:01Z' }),
  exitedPod(0),
  exitedPod(1, { reason: 'OOMKilled' }),
];

type DrawnPod = { look: PodObservation; index: number; second: number; gone: boolean };

const anyPod: fc.Arbitrary<DrawnPod> = fc.record({
  look: fc.constantFrom(...looks),
  index: fc.nat(3),
  second: fc.nat(9),
  gone: fc.boolean(),
});

let drawn = 0;

function play(drawnPods: DrawnPod[], { jobGone }: { jobGone: boolean }): string {
  drawn += 1;
  const id = `n${drawn}`;
  const jobUid = `job-${id}`;
  stage.accept({ id, spec: { completions: 3, completionMode: 'Indexed' } });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: jobUid });
  drawnPods.forEach(({ look, index, second, gone }, nth) => {
    const uid = `pod-${nth}-${id}`;
    stage.store.observePod(id, { ...look, uid, jobUid, index, createdAt: `2026-01-01T10:00:0${second}Z` });
    if (gone) stage.store.markPodGone(id, uid);
  });
  if (jobGone) stage.store.markJobGone(id, jobUid);
  return id;
}

/** What the store reads to settle the job, and the same with all of its pods. */
function load(id: string): { few: JobFacts; whole: JobFacts } {
  const pods = createPodRows(db);
  const few = createFactsReader({ db, pods })(createJobRows(db).getRow(id));
  return { few, whole: { ...few, pods: pods.listPods(id) } };
}

describe('of the many pods of a job', () => {
  test('a few stand for all: they decide the same', () => {
    const frame = { acceptedAt: '2026-01-01T10:00:00.500Z', now: '2026-01-01T11:00:00.000Z' };
    const ends = [undefined, { ...completeJob(), gone: false }, { ...failedJob(), gone: false }];
    fc.assert(
      fc.property(fc.array(anyPod, { maxLength: 8 }), fc.boolean(), (pods, jobGone) => {
        const { few, whole } = load(play(pods, { jobGone }));
        for (const job of ends.map((end) => end ?? few.job)) {
          const decision = decide({ ...whole, job });
          expect(decide({ ...few, job })).toEqual(decision);
          expect(toStartedAt({ ...few, job }, decision.state, frame)).toBe(
            toStartedAt({ ...whole, job }, decision.state, frame),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  test('no more than those few are read, until all have left', () => {
    const pods = Array.from({ length: 40 }, (_, nth): DrawnPod => {
      return { look: looks[nth % looks.length] ?? seenPod(), index: nth, second: nth % 10, gone: false };
    });
    expect(load(play(pods, { jobGone: false })).few.pods.length).toBeLessThanOrEqual(6);
    expect(load(play(pods, { jobGone: true })).few.pods.length).toBeLessThanOrEqual(6);
    const left = pods.map((pod) => ({ ...pod, gone: true }));
    expect(load(play(left, { jobGone: false })).few.pods.length).toBeLessThanOrEqual(6);
  });

  test('those that succeeded are counted when the Job has left without a word of its end', () => {
    const pods = [0, 1, 2].map((index): DrawnPod => ({ look: exitedPod(0), index, second: 0, gone: true }));
    expect(stage.store.findJob(play(pods, { jobGone: true }))?.state).toBe('SUCCEEDED');
    expect(stage.store.findJob(play(pods.slice(1), { jobGone: true }))?.state).toBe('LOST');
  });
});

test('of the many reports on a job of many completions two are read', () => {
  const id = play([], { jobGone: false });
  for (const task of [0, 1, 2]) stage.store.addReport({ 'job-id': id, status: 'SUCCESS', task });
  expect(load(id).few.reports.map(({ task }) => task)).toEqual([0, 2]);
});
