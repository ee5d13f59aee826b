import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { JobObservation, PodObservation } from '../../src/core/facts.ts';
import { isFinal } from '../../src/core/job-state.ts';
import type { Store } from '../../src/store/store.ts';
import { completeJob, exitedPod, failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;

beforeAll(() => {
  stage = openStage();
});

afterAll(() => stage.close());

type Fact = (store: Store, id: string) => void;

const own = (id: string) => ({ uid: `job-${id}`, name: `report-${id}` });
const ownPod = (id: string, { uid, ...pod }: PodObservation): PodObservation => ({
  ...pod,
  uid: `${uid}-${id}`,
  name: `report-${id}-x7k2p`,
  jobUid: `job-${id}`,
  jobName: `report-${id}`,
});

const job =
  (seen: JobObservation): Fact =>
  (store, id) =>
    store.observeJob(id, { ...seen, ...own(id) });
const pod =
  (seen: PodObservation): Fact =>
  (store, id) =>
    store.observePod(id, ownPod(id, seen));
const said =
  (status: string, podUid?: string): Fact =>
  (store, id) =>
    store.addReport({ 'job-id': id, status, 'pod-uid': podUid === undefined ? null : `${podUid}-${id}` });

/** What a job may go through before its end; in truth all of it comes over four ways that know nothing of each other. */
const before: Record<string, Fact> = {
  created: (store, id) => store.settleCreated(id, { uid: `job-${id}` }),
  'seen Job': job(seenJob()),
  'waiting pod': pod(seenPod({ reason: 'ImagePullBackOff' })),
  'running pod': pod(runningPod()),
  'exit 1': pod(exitedPod(1)),
  'exit 0': pod(exitedPod(0)),
  'exit 1 after ERROR': pod(exitedPod(1, { terminationMessage: '{"status":"ERROR"}' })),
  'exit 1 after SUCCESS': pod(exitedPod(1, { terminationMessage: '{"status":"SUCCESS"}' })),
  'exit 0 after SUCCESS': pod(exitedPod(0, { terminationMessage: '{"status":"SUCCESS"}' })),
  'exit 0 after ERROR': pod(exitedPod(0, { terminationMessage: '{"status":"ERROR"}' })),
  'pod refused': (store, id) => store.keepPodRefusal(id, 'exceeded quota: pods'),
  word: said('Working', 'pod-uid'),
  'word of nobody': said('Working'),
  error: said('ERROR', 'pod-uid'),
  success: said('SUCCESS'),
  cancel: (store, id) => store.requestCancel(id, 'User'),
  deadline: (store, id) => store.requestCancel(id, 'StartDeadline'),
};

const allGone: Fact = (store, id) => {
  store.markPodGone(id, `pod-uid-${id}`);
  store.markJobGone(id, `job-${id}`);
};

const ends: Record<string, Fact[]> = {
  complete: [job(completeJob()), allGone],
  failed: [job(failedJob()), allGone],
  gone: [allGone],
};

let drawn = 0;

/** Plays the facts, then the end, on a job of its own; tells how it ended and whether a state ever went back. */
function play(facts: string[], end: string) {
  drawn += 1;
  const id = `n${drawn}`;
  stage.accept({ id, kubernetesName: `report-${id}` });
  stage.store.claimDispatch(id);
  for (const name of facts) before[name]?.(stage.store, id);
  // The uid must be known before anything can be said to be gone.
  before['created']?.(stage.store, id);
  for (const fact of ends[end] ?? []) fact(stage.store, id);
  const { state, reason, discrepancy } = stage.store.findJob(id) ?? {};
  const states = stage.store.listEvents({ after: 0, jobId: id, limit: 100 }).map((event) => event.state);
  return { outcome: { state, reason, discrepancy }, states };
}

/** A pod exits once. */
const isExit = (fact: string) => fact.startsWith('exit');
const exits = Object.keys(before).filter(isExit);
const others = Object.keys(before).filter((fact) => !isExit(fact));

const someFacts = fc
  .record({
    exit: fc.subarray(exits, { maxLength: 1 }),
    rest: fc.subarray(others, { minLength: 1, maxLength: 7 }),
  })
  .map(({ exit, rest }) => [...exit, ...rest]);

test('fault 15: every permutation of the facts that arrive before the end gives the same end, and no state goes back', () => {
  const cases = fc
    .record({ facts: someFacts, end: fc.constantFrom(...Object.keys(ends)) })
    .chain(({ facts, end }) =>
      fc.record({
        facts: fc.constant(facts),
        end: fc.constant(end),
        reordered: fc.shuffledSubarray(facts, { minLength: facts.length }),
      }),
    );
  const order = ['QUEUED', 'CREATED', 'RUNNING'];
  fc.assert(
    fc.property(cases, ({ facts, end, reordered }) => {
      const first = play(facts, end);
      const second = play(reordered, end);
      expect(second.outcome).toEqual(first.outcome);
      for (const { states } of [first, second]) {
        const ranks = states.map((state) => (isFinal(state) ? order.length : order.indexOf(state)));
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        expect(new Set(states.filter(isFinal)).size).toBe(1);
      }
    }),
    { numRuns: 250 },
  );
});
