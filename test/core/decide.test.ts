import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decide } from '../../src/core/decide.ts';
import type { JobFacts, PodFact } from '../../src/core/facts.ts';
import { isFinal } from '../../src/core/job-state.ts';
import type { TerminalStatus } from '../../src/core/report.ts';
import { byDeadline, byUser, facts, gone, here, left, said } from '../support/known-facts.ts';
import { completeJob, exitedPod, failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';

const success = said('SUCCESS');
const error = said('ERROR');
const oneGone = { job: { ...seenJob(), ...gone }, pods: [{ ...runningPod(), ...gone }] };

/** The one pod, as it ended. */
const exit = (code: number) => [{ ...exitedPod(code), ...here }];

describe('on the way, the state', () => {
  test.each<[string, Partial<JobFacts>, string]>([
    ['is QUEUED while nothing was sent', { claimed: false, dispatch: null }, 'QUEUED'],
    ['is QUEUED while the answer to the create is awaited', { dispatch: null }, 'QUEUED'],
    ['is CREATED once the create was answered', {}, 'CREATED'],
    [
      'is CREATED when the watch is faster than the answer',
      { dispatch: null, job: { ...seenJob(), ...here } },
      'CREATED',
    ],
    ['is CREATED while the pod waits', { pods: [{ ...seenPod(), ...here }] }, 'CREATED'],
    ['is RUNNING when a container has started', { pods: [{ ...runningPod(), ...here }] }, 'RUNNING'],
    ['is RUNNING when the worker has spoken', { dispatch: null, reports: [said(null)] }, 'RUNNING'],
    ['is RUNNING after SUCCESS until Kubernetes agrees', { reports: [success] }, 'RUNNING'],
    [
      'is RUNNING after ERROR with retries left',
      { job: { ...seenJob(), ...here }, reports: [error] },
      'RUNNING',
    ],
    [
      'is RUNNING when cancelled but still there',
      { pods: [{ ...runningPod(), ...here }], cancel: byUser },
      'RUNNING',
    ],
    [
      'is RUNNING while a pod outlives its Job',
      { job: { ...seenJob(), ...gone }, pods: [{ ...runningPod(), ...here }] },
      'RUNNING',
    ],
  ])('%s', (_name, changes, state) => {
    expect(decide(facts(changes)).state).toBe(state);
  });

  test('comes with the reason why a pod waits', () => {
    const pod = {
      ...seenPod({ reason: 'ImagePullBackOff', message: 'Back-off pulling image "nope"' }),
      ...here,
    };
    expect(decide(facts({ pods: [pod] }))).toMatchObject({
      state: 'CREATED',
      reason: 'ImagePullBackOff',
      explanation: expect.stringContaining('Back-off pulling image "nope"'),
    });
  });

  test('says nothing of the waiting that every pod passes through', () => {
    const pod = { ...seenPod({ reason: 'ContainerCreating' }), ...here };
    expect(decide(facts({ pods: [pod] }))).toMatchObject({ reason: null, explanation: null });
  });
});

describe('at the end', () => {
  const complete = { ...completeJob(), ...here };
  const failed = { ...failedJob(), ...here };

  test.each<[string, Partial<JobFacts>, string, string | null]>([
    ['Complete alone is SUCCEEDED', { job: complete }, 'SUCCEEDED', null],
    ['Failed alone is FAILED', { job: failed, pods: exit(1) }, 'FAILED', 'BackoffLimitExceeded'],
    ['SUCCESS and Complete is SUCCEEDED', { job: complete, reports: [success] }, 'SUCCEEDED', null],
    ['SUCCESS wins over Failed', { job: failed, pods: exit(1), reports: [success] }, 'SUCCEEDED', null],
    ['SUCCESS wins over a cancel', { ...oneGone, reports: [success], cancel: byUser }, 'SUCCEEDED', null],
    [
      'SUCCESS wins over an earlier ERROR',
      { job: complete, pods: exit(0), reports: [error, success] },
      'SUCCEEDED',
      null,
    ],
    [
      'ERROR by the pod that exited 0 is FAILED',
      { job: complete, pods: exit(0), reports: [error] },
      'FAILED',
      'Error',
    ],
    [
      'ERROR and Failed is FAILED',
      { job: failed, pods: exit(1), reports: [error] },
      'FAILED',
      'BackoffLimitExceeded',
    ],
    ['a cancelled Job that is gone is CANCELLED', { ...oneGone, cancel: byUser }, 'CANCELLED', 'Cancelled'],
    [
      'a cancel that came too late for the Job is SUCCEEDED',
      { job: complete, cancel: byUser },
      'SUCCEEDED',
      null,
    ],
    [
      'a cancelled Job that failed on the way is CANCELLED',
      { job: failed, cancel: byUser },
      'CANCELLED',
      'Cancelled',
    ],
    [
      'an unclaimed job that is cancelled is CANCELLED',
      { claimed: false, dispatch: null, cancel: byUser },
      'CANCELLED',
      'Cancelled',
    ],
    [
      'a start deadline is FAILED with its own reason',
      { ...oneGone, cancel: byDeadline },
      'FAILED',
      'StartDeadline',
    ],
    ['ERROR and everything gone is FAILED', { ...oneGone, reports: [error] }, 'FAILED', 'Error'],
    ['everything gone without a word is LOST', oneGone, 'LOST', 'OutcomeUnknown'],
    [
      'a refused create is FAILED',
      { dispatch: { kind: 'refused', reason: 'Invalid', message: 'no' } },
      'FAILED',
      'Invalid',
    ],
    [
      'an unknown create is LOST',
      { dispatch: { kind: 'unknown', message: 'no answer' } },
      'LOST',
      'OutcomeUnknown',
    ],
    [
      'SUCCESS fills an unknown create',
      { dispatch: { kind: 'unknown', message: '?' }, reports: [success] },
      'SUCCEEDED',
      null,
    ],
    [
      'ERROR fills an unknown create',
      { dispatch: { kind: 'unknown', message: '?' }, reports: [error] },
      'FAILED',
      'Error',
    ],
  ])('%s', (_name, changes, state, reason) => {
    expect(decide(facts(changes))).toMatchObject({ state, reason });
  });

  test('pods that succeeded for every completion count as Complete when the Job is gone', () => {
    const pods = [0, 1].map((index) => ({ ...exitedPod(0, { uid: `pod-${index}`, index }), ...gone }));
    const job = { ...seenJob(), ...gone };
    expect(decide(facts({ completions: 2, job, pods })).state).toBe('SUCCEEDED');
    expect(decide(facts({ completions: 3, job, pods })).state).toBe('LOST');
  });

  test('of several completions Kubernetes alone decides', () => {
    const many = { completions: 3, pods: exit(0) };
    expect(decide(facts({ ...many, job: complete, reports: [error] }))).toMatchObject({
      state: 'SUCCEEDED',
      discrepancy: null,
    });
    expect(decide(facts({ ...many, job: failed, reports: [success] }))).toMatchObject({
      state: 'FAILED',
      discrepancy: null,
    });
  });

  test('a Complete that overtakes the pod whose worker said ERROR waits for the exit of that pod', () => {
    const reports = [error];
    expect(decide(facts({ job: complete, pods: [{ ...runningPod(), ...here }], reports })).state).toBe(
      'RUNNING',
    );
    const exited = { ...runningPod({ exitCode: 0 }), ...here };
    expect(decide(facts({ job: complete, pods: [exited], reports })).state).toBe('RUNNING');
    expect(decide(facts({ job: { ...completeJob(), ...gone }, pods: [exited], reports })).state).toBe(
      'FAILED',
    );
    const evicted = { ...exitedPod(1, { uid: 'a', exitCode: null, reason: 'Evicted' }), ...here };
    const second = { ...exitedPod(0, { uid: 'b' }), ...here };
    expect(decide(facts({ job: complete, pods: [evicted, second], reports })).state).toBe('SUCCEEDED');
  });

  test('a Complete that overtook every word of the pod that reported ERROR waits for it', () => {
    expect(decide(facts({ job: complete, pods: [], reports: [error] })).state).toBe('RUNNING');
    const exited = { ...exitedPod(0), ...here };
    expect(decide(facts({ job: complete, pods: [exited], reports: [error] })).state).toBe('FAILED');
  });

  test('an ERROR that was retried with success is no failure and no discrepancy', () => {
    const pods = [
      { ...exitedPod(1, { uid: 'first' }), ...here },
      { ...exitedPod(0, { uid: 'second' }), ...here },
    ];
    const job = { ...completeJob({ failed: 1 }), ...here };
    expect(decide(facts({ job, pods, reports: [said('ERROR', 'first')] }))).toMatchObject({
      state: 'SUCCEEDED',
      discrepancy: null,
    });
    const restarted = [{ ...exitedPod(0, { restarts: 1 }), ...here }];
    expect(decide(facts({ job: complete, pods: restarted, reports: [error] })).state).toBe('SUCCEEDED');
  });

  describe('of a Job whose pod was started twice', () => {
    const idler = { ...exitedPod(0, { uid: 'idler' }), ...here, idle: true };
    const decided = (changes: Partial<PodFact>, reports: JobFacts['reports'] = []) => {
      const worker = { ...runningPod({ uid: 'worker' }), ...here, ...changes };
      return decide(facts({ job: complete, pods: [idler, worker], reports }));
    };

    test('is no success where the idle pod ended it and the other was stopped', () => {
      const stopped = { phase: 'Failed', exitCode: 143, stopped: true } as const;
      expect(decided(stopped)).toMatchObject({ state: 'FAILED', reason: 'StartedTwice' });
      expect(decided({ ...stopped, gone: true }, [said('ERROR', 'worker')])).toMatchObject({
        state: 'FAILED',
        reason: 'StartedTwice',
      });
    });

    test('waits until the other is seen to have ended', () => {
      expect(decided({}).state).toBe('RUNNING');
    });

    test('is a success where the other did its work', () => {
      expect(decided({ phase: 'Succeeded', exitCode: 0 }).state).toBe('SUCCEEDED');
      expect(decided({ gone: true }, [said('SUCCESS', 'worker')]).state).toBe('SUCCEEDED');
    });
  });

  test.each<[string, Partial<JobFacts>, RegExp]>([
    [
      'SUCCESS against Failed',
      { job: failed, reports: [success] },
      /SUCCESS, but .* failed \(BackoffLimitExceeded\)/,
    ],
    ['SUCCESS against a cancel', { ...oneGone, reports: [success], cancel: byUser }, /asked to stop/],
    ['ERROR against exit code 0', { job: complete, pods: exit(0), reports: [error] }, /exited with code 0/],
    [
      'ERROR of an unseen pod against Complete',
      { job: { ...completeJob(), ...gone }, reports: [error] },
      /the Job is complete/,
    ],
  ])('%s is a visible discrepancy', (_name, changes, sentence) => {
    expect(decide(facts(changes)).discrepancy).toMatch(sentence);
  });

  test.each<[string, PodFact, string, RegExp]>([
    ['OOMKilled', { ...exitedPod(137, { reason: 'OOMKilled' }), ...here }, 'OOMKilled', /memory/],
    ['an exit code', { ...exitedPod(3), ...here }, 'BackoffLimitExceeded', /code 3/],
    [
      'Evicted',
      { ...exitedPod(1, { reason: 'Evicted', message: 'low on disk' }), ...here },
      'Evicted',
      /low on disk/,
    ],
  ])('%s of the pod explains the failure', (_name, pod, reason, explanation) => {
    const decision = decide(facts({ job: failed, pods: [pod] }));
    expect(decision.reason).toBe(reason);
    expect(decision.explanation).toMatch(explanation);
  });

  test('of several pods the one that failed by itself explains the failure', () => {
    const pods = [
      { ...exitedPod(4, { uid: 'culprit' }), ...here },
      { ...exitedPod(0, { uid: 'fine', index: 1, createdAt: '2026-01-01T10:00:05Z' }), ...here },
      {
        ...exitedPod(143, { uid: 'stopped', index: 2, createdAt: '2026-01-01T10:00:06Z' }),
        ...gone,
        stopped: true,
      },
    ];
    const { explanation } = decide(facts({ completions: 3, job: failed, pods }));
    expect(explanation).toContain('exited with code 4');
  });

  test('the exit code of a pod that was told to stop explains nothing', () => {
    const pods = [{ ...exitedPod(143), ...gone, stopped: true }];
    expect(decide(facts({ job: failed, pods })).explanation).not.toContain('143');
  });

  test('a deadline that no container lived to see tells what the pod waited for', () => {
    const waitedFor = 'The image could not be pulled.';
    const pod = { ...seenPod({ reason: 'ImagePullBackOff' }), ...gone, waitedFor };
    const { reason, explanation } = decide(
      facts({ job: { ...failedJob('DeadlineExceeded'), ...here }, pods: [pod] }),
    );
    expect(reason).toBe('DeadlineExceeded');
    expect(explanation).toMatch(/never started.*could not be pulled/);
  });
});

const anyReport = fc.oneof(
  fc
    .record({
      terminal: fc.constantFrom<TerminalStatus | null>(null, 'SUCCESS', 'ERROR'),
      podUid: fc.constantFrom(null, 'p0', 'p1', 'unseen'),
    })
    .map(({ terminal, podUid }) => said(terminal, podUid)),
  fc
    .record({ terminal: fc.constantFrom('SUCCESS', 'ERROR'), podUid: fc.constantFrom('p0', 'p1') })
    .map(({ terminal, podUid }) => left(terminal, podUid)),
);

const anyPod = fc
  .record({
    exitCode: fc.constantFrom(null, 0, 1),
    gone: fc.boolean(),
    stopped: fc.boolean(),
    idle: fc.boolean(),
    restarts: fc.nat(1),
  })
  .map(({ exitCode, restarts, stopped, idle, gone: hasLeft }): PodFact => {
    const pod = exitCode === null ? runningPod({ restarts }) : exitedPod(exitCode, { restarts });
    return { ...pod, gone: hasLeft, stopped, idle, waitedFor: null };
  });

const anyFacts = fc
  .record({
    completions: fc.constantFrom(1, 2),
    claimed: fc.constant(true),
    dispatch: fc.constantFrom(null, { kind: 'created' } as const, { kind: 'unknown', message: '?' } as const),
    job: fc.oneof(
      fc.constant(null),
      fc
        .record({ job: fc.constantFrom(seenJob(), completeJob(), failedJob()), gone: fc.boolean() })
        .map(({ job, gone: hasLeft }) => ({ ...job, gone: hasLeft })),
    ),
    pods: fc
      .array(anyPod, { maxLength: 3 })
      .map((pods) => pods.map((pod, nth) => ({ ...pod, uid: `p${nth}` }))),
    podRefusal: fc.constantFrom(null, 'exceeded quota: pods'),
    reports: fc.array(anyReport, { maxLength: 4 }),
    cancel: fc.constantFrom(null, byUser, byDeadline),
  })
  .map((generated): JobFacts => generated);

function shuffled<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...list], { minLength: list.length });
}

describe('the decision', () => {
  test('of an end is the same for every order in which its facts came', () => {
    const cases = anyFacts.chain((given) =>
      fc.record({ given: fc.constant(given), pods: shuffled(given.pods), reports: shuffled(given.reports) }),
    );
    fc.assert(
      fc.property(cases, ({ given, pods, reports }) => {
        const decision = decide(given);
        const reordered = decide({ ...given, pods, reports });
        expect(reordered.state).toBe(decision.state);
        if (isFinal(decision.state)) expect(reordered).toEqual(decision);
      }),
      { numRuns: 1000 },
    );
  });

  test('on a job that runs is not moved by one more word on the way', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(null, 'p0', 'unseen'), (given, podUid) => {
        const decision = decide(given);
        if (decision.state !== 'RUNNING') return;
        expect(decide({ ...given, reports: [...given.reports, said(null, podUid)] })).toEqual(decision);
      }),
      { numRuns: 1000 },
    );
  });

  test('of an end always says why, unless all went well', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { state, reason, explanation } = decide(given);
        if (!isFinal(state)) return;
        expect(reason === null).toBe(state === 'SUCCEEDED');
        expect(explanation === null).toBe(state === 'SUCCEEDED');
      }),
    );
  });
});
