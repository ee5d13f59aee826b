import { toTimestamp } from '../api/times.ts';
import type { Job, Pod } from '../objects.ts';
import type { Condition, Outcome } from './conditions.ts';
import { finalTypes, interimTypes, withCondition } from './conditions.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import { toIndexText } from './index-ranges.ts';
import type { JobView } from './job-view.ts';
import { isFailed, isSucceeded, isTracked, toCompletionIndex } from './pod-state.ts';

type Status = Job['status'];

/** What the rest of the turn has settled, and the counting must know. */
export type Settled = {
  outcome: Outcome | undefined;
  active: number;
  ready: number;
  terminating: number;
  conditions: Condition[];
  startTime: string | undefined;
  /** Pods that the plan takes away: they are deleted without being counted. */
  uncounted: Pod[];
};

/**
 * Two statuses, to be written in this order: `interim` before the finalizers of `release` are taken off, `final` after
 * it. A crash in between counts no pod twice and forgets none: a pod with a finalizer is in no counter yet, and the uids
 * in uncountedTerminatedPods say which ones are about to be.
 */
export type Accounts = { interim: Status; release: Pod[]; final: Status; ended: boolean };

const mostUncounted = 500;

type Ledger = { succeeded: number; failed: number; uncounted: { succeeded: string[]; failed: string[] } };

export function decideAccounts(view: JobView, settled: Settled): Accounts {
  const { job, now } = view;
  const { outcome } = settled;
  const tracked = view.pods.filter((pod) => isTracked(pod) && !settled.uncounted.includes(pod));
  const opening = settle(toLedger(job), new Set(tracked.map(({ metadata }) => metadata.uid)));
  const { ledger, release, indexes, full } = countPods(view, opening, { tracked, outcome });
  const conditions = outcome
    ? withCondition(settled.conditions, { ...outcome, type: interimTypes[outcome.result] }, now)
    : settled.conditions;
  const interim = toStatus(view, { ...settled, conditions }, { ledger, indexes });

  const kept = tracked.filter((pod) => !release.includes(pod));
  const closing = settle(ledger, new Set(kept.map(({ metadata }) => metadata.uid)));
  const open = closing.uncounted.succeeded.length + closing.uncounted.failed.length;
  const closed = toStatus(view, { ...settled, conditions }, { ledger: closing, indexes });
  // Pods on their way out hold the end back, so that a finished Job has no running pods.
  if (!outcome || full || open > 0 || settled.terminating > 0)
    return { interim, release, final: closed, ended: false };
  return { interim, release, final: finish(closed, outcome, now), ended: true };
}

function finish({ conditions = [], startTime, ...counts }: Status, outcome: Outcome, now: Date): Status {
  const type = finalTypes[outcome.result];
  return {
    conditions: withCondition(conditions, { ...outcome, type }, now),
    ...(startTime === undefined ? {} : { startTime }),
    ...(type === 'Complete' ? { completionTime: toTimestamp(now) } : {}),
    ...counts,
  };
}

function toLedger({ status }: Job): Ledger {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  return { succeeded: status.succeeded ?? 0, failed: status.failed ?? 0, uncounted: { succeeded, failed } };
}

/** Moves the uids of pods that have lost their finalizer into the counters. */
function settle({ succeeded, failed, uncounted }: Ledger, tracked: ReadonlySet<string>): Ledger {
  const left = {
    succeeded: uncounted.succeeded.filter((uid) => tracked.has(uid)),
    failed: uncounted.failed.filter((uid) => tracked.has(uid)),
  };
  return {
    succeeded: succeeded + uncounted.succeeded.length - left.succeeded.length,
    failed: failed + uncounted.failed.length - left.failed.length,
    uncounted: left,
  };
}

function countPods(
  { job, indexes: before }: JobView,
  { succeeded, failed, uncounted }: Ledger,
  { tracked, outcome }: { tracked: Pod[]; outcome: Outcome | undefined },
) {
  const won = new Set(uncounted.succeeded);
  const lost = new Set(uncounted.failed);
  const indexes = new Set(before?.counted);
  const release: Pod[] = [];
  const isFull = () => won.size + lost.size + indexes.size - (before?.counted.size ?? 0) >= mostUncounted;
  for (const pod of tracked) {
    const { uid } = pod.metadata;
    const index = toCompletionIndex(pod, job);
    const hasFailed = isFailed(pod, job);
    const replaced = index === undefined || before?.awaitingRetry.get(index) !== pod;
    const ending = outcome !== undefined || job.metadata.deletionTimestamp !== undefined;
    if (!ending && !isSucceeded(pod) && !(hasFailed && replaced)) continue;
    release.push(pod);
    if (isSucceeded(pod) && !lost.has(uid)) {
      if (!before) won.add(uid);
      else if (index !== undefined) indexes.add(index);
    } else if (hasFailed || outcome?.result === 'failure') {
      const counts = matchFailurePolicy(job.spec.podFailurePolicy, pod).counts;
      if (counts && (!before || index !== undefined)) lost.add(uid);
    }
    if (isFull()) break;
  }
  const ledger: Ledger = {
    succeeded: before ? indexes.size : succeeded,
    failed,
    uncounted: { succeeded: [...won], failed: [...lost] },
  };
  return { ledger, release, indexes, full: isFull() };
}

/** In the order of fields that a real API server writes; zero active, succeeded and failed are left out. */
function toStatus(
  { indexes: view }: JobView,
  { conditions, startTime, active, ready, terminating }: Settled,
  { ledger, indexes }: { ledger: Ledger; indexes: ReadonlySet<number> },
): Status {
  const { succeeded, failed, uncounted } = ledger;
  const completedIndexes = toIndexText(indexes);
  return {
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(startTime === undefined ? {} : { startTime }),
    ...(active > 0 ? { active } : {}),
    ...(succeeded > 0 ? { succeeded } : {}),
    ...(failed > 0 ? { failed } : {}),
    terminating,
    ...(completedIndexes === '' ? {} : { completedIndexes }),
    ...(view?.failed ? { failedIndexes: toIndexText(view.failed) } : {}),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length > 0 ? { succeeded: uncounted.succeeded } : {}),
      ...(uncounted.failed.length > 0 ? { failed: uncounted.failed } : {}),
    },
    ready,
  };
}
