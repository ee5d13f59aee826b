import { afterAll, beforeAll, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { decide } from '../../src/core/decide.ts';
import type { JobFacts, JobObservation, ReportFact } from '../../src/core/facts.ts';
import { toFinishedAt, toStartedAt } from '../../src/core/job-times.ts';
import { createFactsReader } from '../../src/store/facts.ts';
import { createJobRows } from '../../src/store/jobs.ts';
import { createPodRows } from '../../src/store/pods.ts';
import { createReports } from '../../src/store/reports.ts';
import { createWrites } from '../../src/store/writes.ts';
import { completeJob, exitedPod, failedJob, runningPod } from '../support/sightings.ts';
import { openStage, silent } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
let db: Database.Database;

beforeAll(() => {
  stage = openStage();
  db = new Database(stage.path);
});

afterAll(() => {
  db.close();
  stage.close();
});

/** Pod `0` is never seen: to the service it is a uid in a report, of which a worker can think up as many as it likes. */
type Step =
  | { kind: 'say'; status: string; pod: '0' | 'a' | 'b' | 'c' | null }
  | { kind: 'exit'; pod: 'a' | 'b' | 'c'; code: number; message: string | null };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('say'),
      status: fc.constantFrom('Working', 'ERROR', 'ERROR', 'SUCCESS'),
      pod: fc.constantFrom('0', 'a', 'b', 'c', null),
    }),
  },
  fc.record({
    kind: fc.constant('exit'),
    pod: fc.constantFrom('a', 'b', 'c'),
    code: fc.constantFrom(0, 1),
    message: fc.constantFrom(null, 'ERROR', 'SUCCESS'),
  }),
);

let drawn = 0;

/** A job of its own; its first pod is seen to run. */
function begin(): string {
  drawn += 1;
  const id = `n${drawn}`;
  stage.accept({ id, kubernetesName: `report-${id}`, spec: { backoffLimit: 9 } });
  stage.store.claimDispatch(id);
  stage.store.settleCreated(id, { uid: `job-${id}` });
  stage.store.observePod(id, runningPod({ uid: `a-${id}`, jobUid: `job-${id}`, startedAt: null }));
  return id;
}

function play(id: string, step: Step): void {
  stage.advance(1000);
  const { store } = stage;
  const uid = step.pod === null ? null : `${step.pod}-${id}`;
  if (step.kind === 'say') {
    store.addReport({ 'job-id': id, status: step.status, 'pod-uid': uid });
    return;
  }
  const terminationMessage = step.message === null ? null : JSON.stringify({ status: step.message });
  const seen = { uid: uid ?? '', jobUid: `job-${id}`, startedAt: null, terminationMessage };
  store.observePod(id, exitedPod(step.code, seen));
}

/** What the store reads to settle the job, and the same with all that was said of its end. */
function load(id: string): { few: JobFacts; whole: JobFacts } {
  const few = createFactsReader({ db, pods: createPodRows(db) })(createJobRows(db).getRow(id));
  const reports = db
    .prepare<[string, string], ReportFact>(
      `SELECT at, status, terminal, task, pod_uid AS podUid, source FROM reports WHERE job_id = ? AND contradicts = 0
         AND (terminal IS NOT NULL OR seq = (SELECT min(seq) FROM reports WHERE job_id = ?)) ORDER BY seq`,
    )
    .all(id, id);
  return { few, whole: { ...few, reports } };
}

const error = (pod: '0' | 'a' | 'b' | 'c'): Step => ({ kind: 'say', status: 'ERROR', pod });
const exit = (pod: 'a' | 'b', message: string | null): Step => ({ kind: 'exit', pod, code: 0, message });

/** An ERROR that is neither the first nor the last one: of the only pod that ran, and of a pod with a message that must not count then. */
const rare: Step[][] = [
  [error('0'), error('a'), error('0'), exit('a', null)],
  [error('a'), exit('b', 'SUCCESS'), error('b'), error('c')],
];

test('of the many words of a job a few stand for all: they decide the same, with the same times', () => {
  const gone = { pods: 'gone' } as const;
  const ends = [completeJob(), failedJob(), completeJob({ failed: 1 }), gone];
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 12 }),
      fc.constantFrom(null, { at: '', cause: 'User' } as const),
      (steps, cancel) => {
        const id = begin();
        for (const step of steps) play(id, step);
        const { few, whole } = load(id);
        const frame = { acceptedAt: '2026-01-01T10:00:00.500Z', now: stage.clock().toISOString() };
        const bend = (known: JobFacts, end: (typeof ends)[number]): JobFacts =>
          'pods' in end
            ? {
                ...known,
                cancel,
                job: known.job === null ? null : { ...known.job, gone: true },
                pods: known.pods.map((pod) => ({ ...pod, gone: true })),
              }
            : { ...known, cancel, job: { ...end, gone: true } };
        expect(decide(few)).toEqual(decide(whole));
        for (const end of ends) {
          const [chosen, all] = [bend(few, end), bend(whole, end)];
          const decision = decide(all);
          expect(decide(chosen)).toEqual(decision);
          const startedAt = toStartedAt(all, decision.state, frame);
          expect(toStartedAt(chosen, decision.state, frame)).toBe(startedAt);
          expect(toFinishedAt(chosen, startedAt, frame)).toBe(toFinishedAt(all, startedAt, frame));
        }
      },
    ),
    { numRuns: 200, examples: rare.map((steps): [Step[], null] => [steps, null]) },
  );
});

/** So many words on the way that all before them are of no page any more. */
function talkOn(id: string): void {
  db.prepare(
    `WITH RECURSIVE n(nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM n WHERE nth < 200)
     INSERT INTO reports (job_id, at, status, task, source, contradicts) SELECT ?, ?, 'Working', 0, 'report', 0 FROM n`,
  ).run(id, stage.clock().toISOString());
}

test('what is left of them when the history is removed decides the same', () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 12 }),
      fc.constantFrom(completeJob(), failedJob()),
      (steps, end) => {
        const id = begin();
        for (const step of steps) play(id, step);
        talkOn(id);
        stage.store.observeJob(id, { ...end, uid: `job-${id}`, name: `report-${id}` });
        stage.store.markJobGone(id, `job-${id}`);
        for (const { uid } of stage.store.listPodsAfter(id, 0)) stage.store.markPodGone(id, uid);
        const [{ few }, view] = [load(id), stage.store.findJob(id)];
        while (stage.store.removeOldEvents({ endedBefore: '9999', most: 1e9 }).rows > 0);
        const { few: left } = load(id);
        expect(decide(left)).toEqual(decide(few));
        const bend = (known: JobFacts): JobFacts => ({
          ...known,
          job: few.job === null ? null : { ...few.job, conditions: [] },
        });
        expect(decide(bend(left))).toEqual(decide(bend(few)));
        expect(stage.store.findJob(id)).toEqual(view);
        expect(db.pragma('foreign_key_check')).toEqual([]);
      },
    ),
    { numRuns: 60, examples: rare.map((steps): [Step[], JobObservation] => [steps, completeJob()]) },
  );
});

test.each<[string, (nth: number) => string | null]>([
  ['by its pod', () => 'a'],
  ['by no pod', () => null],
  ['by ever new pods', (nth) => `pod-${nth}`],
])('of an ERROR that is repeated without end %s a handful are read', (_, podAt) => {
  const id = begin();
  for (let nth = 0; nth < 60; nth += 1) {
    const podUid = podAt(nth);
    const uid = podUid === null ? null : `${podUid}-${id}`;
    expect(stage.store.addReport({ 'job-id': id, status: 'ERROR', 'pod-uid': uid })).toMatchObject({
      kind: 'kept',
    });
  }
  expect(load(id).few.reports.length).toBeLessThanOrEqual(4);
});

test('an end of which the same pod has told before settles nothing anew, and one of another pod does', () => {
  const id = begin();
  const settled: string[] = [];
  const settle = (of: string) => {
    settled.push(of);
    return 'RUNNING' as const;
  };
  const writes = createWrites({ db, clock: stage.clock, log: silent });
  const reports = createReports({ db, rows: createJobRows(db), writes, settle });
  const say = (status: string, podUid: string | null) => {
    const before = settled.length;
    reports.addReport({ 'job-id': id, status, 'pod-uid': podUid });
    return settled.length - before;
  };
  expect([say('ERROR', null), say('ERROR', null), say('error', null)]).toEqual([1, 0, 0]);
  expect([say('ERROR', 'one'), say('ERROR', 'one'), say('ERROR', 'two')]).toEqual([1, 0, 1]);
  expect([say('SUCCESS', 'two'), say('Done', 'two'), say('ERROR', 'two')]).toEqual([1, 0, 0]);
});

test('however often an end was told, what decides and who lets go of a task is found by an index', () => {
  const id = begin();
  for (const podUid of ['one', 'two']) {
    stage.store.addReport({ 'job-id': id, status: 'ERROR', 'pod-uid': podUid });
  }
  const statements: string[] = [];
  const spied = new Database(stage.path, { verbose: (sql) => statements.push(String(sql)) });
  const rows = createJobRows(spied);
  const writes = createWrites({ db: spied, clock: stage.clock, log: silent });
  const loadFacts = createFactsReader({ db: spied, pods: createPodRows(spied) });
  const settle = (of: string) => {
    loadFacts(rows.getRow(of));
    return 'RUNNING' as const;
  };
  createReports({ db: spied, rows, writes, settle }).addReport({
    'job-id': id,
    status: 'ERROR',
    'pod-uid': 'three',
  });
  spied.close();
  const reads = statements.filter((sql) => /^\s*SELECT[^]*FROM reports/.test(sql));
  expect(reads.length).toBeGreaterThanOrEqual(3);
  const steps = reads.flatMap((sql) => {
    const plan = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all();
    return plan.map(({ detail }) => detail);
  });
  expect(steps.filter((step) => /SCAN (reports|pods)|TEMP B-TREE/.test(step))).toEqual([]);
  // The last of all, read from its end; everything else that is an end has an entry of its own.
  expect(steps.filter((step) => step.includes('reports_terminal'))).toHaveLength(1);
});
