/**
 * One try to make a job's Kubernetes Job, and what is remembered of it between tries. A create whose outcome is unknown is repeated with the
 * name that was drawn at accept, until the API server says what became of it.
 *
 * Repeating is safe only while an earlier try's Job cannot have come and gone unseen, that is within its TTL. After that
 * the cluster is asked instead, and a Job that is not there (and cannot arrive late any more) is lost: never a second run.
 */
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import { drawNameSuffix } from '../core/names.ts';
import { createTimeoutMs } from '../kube/cluster.ts';
import type { Kube } from '../kube/cluster.ts';
import type { CreateOutcome } from '../kube/create-outcome.ts';
import { toJobManifest } from '../kube/job-manifest.ts';
import type { DispatchItem } from '../store/dispatch.ts';
import type { Store } from '../store/store.ts';
import type { ClaimsAhead } from './claims-ahead.ts';
import { createDispatchTally } from './dispatch-tally.ts';
import type { DispatchOutcome } from './dispatch-tally.ts';
import { isOvertaxed, needsPeople, toHold } from './holds.ts';
import type { Waiting } from './holds.ts';
import { toPauseMs } from './pacing.ts';
import type { Pacing } from './pacing.ts';

export type CreateOptions = {
  store: Store;
  kube: Kube;
  tokens: { issue: (jobId: string) => string };
  callbackUrl: string;
  serviceAccountName?: string | undefined;
  log: Logger;
  clock: () => Date;
  /** Fills a byte array, for new names. */
  random: (bytes: Uint8Array) => Uint8Array;
  signal: AbortSignal;
};

/** What this process knows of a job that it tried to create. */
type Attempt = {
  tries: number;
  /** Not before this time again. */
  retryAt: number;
  /** When a create under this name can have reached the cluster, first and last; null: none has. */
  sent: { firstAt: number; lastAt: number } | null;
  /** Of the Job that the cluster told us of, and the store could not record yet. */
  createdUid: string | null;
  /** What the cluster had against the latest try, while an earlier one may still arrive. */
  refusal: string | null;
};

/** An API server may still commit so long after we stopped waiting for it. */
const lateCommitMs = 60_000;
const forgetAfterMs = 600_000;
/** Clocks of two machines may differ by so much. */
const clockSkewMs = 5000;

export function createAttempts({
  pacing,
  ahead,
  onAnswer,
  ...options
}: CreateOptions & {
  pacing: Pacing;
  ahead: Pick<ClaimsAhead, 'ids' | 'forget'>;
  /** Called when the cluster has said what becomes of a job, before the store has it. */
  onAnswer: (item: DispatchItem) => void;
}) {
  const { store, kube, log, clock, signal } = options;
  const attempts = new Map<string, Attempt>();
  const tally = createDispatchTally();

  /** Which jobs wait for the time of another try, and whether there are some whose time has come. */
  function review(isUnderWay: (id: string) => boolean): { waiting: Set<string>; isRetryDue: boolean } {
    const now = clock().getTime();
    const waiting = new Set<string>();
    let isRetryDue = false;
    for (const [id, attempt] of attempts) {
      if (attempt.retryAt > now) waiting.add(id);
      else if (!isUnderWay(id)) {
        // Long overdue: it was settled by what the watch saw. Looked at anew it would be judged more carefully, not less.
        if (attempt.sent !== null && attempt.retryAt + forgetAfterMs < now) attempts.delete(id);
        else isRetryDue = true;
      }
    }
    return { waiting, isRetryDue };
  }

  /**
   * Resolves when the store has what came of it, or when it is to be tried again; never rejects. Without `maySend` the cluster is only
   * asked: of a restored backup all that waited is claimed, more than there are places.
   */
  async function attemptOnce(item: DispatchItem, { maySend }: { maySend: boolean }): Promise<void> {
    const attempt = attempts.get(item.id) ?? toFirstAttempt(item);
    attempts.set(item.id, attempt);
    attempt.tries += 1;
    try {
      tally.add(await sendOrLook(item, attempt, maySend));
    } catch (err) {
      if (signal.aborted) return;
      tally.add('failed');
      // The row stays claimed and is taken up again; nothing is lost by waiting.
      retryLater(attempt);
      const level = err instanceof AppError ? 'warn' : 'error';
      log[level]({ err, jobId: item.id }, 'a dispatch failed, and is tried again');
    }
  }

  async function sendOrLook(
    item: DispatchItem,
    attempt: Attempt,
    maySend: boolean,
  ): Promise<DispatchOutcome> {
    if (attempt.createdUid !== null) return adopt(item, attempt, attempt.createdUid);
    if (maySend && isRepeatable(item, attempt)) return create(item, attempt);
    return look(item, attempt, { mayRepeat: false });
  }

  /** A claim that is not from this life of the process may have been sent at once, and as late as a moment ago. */
  function toFirstAttempt({ claimedAt }: DispatchItem): Attempt {
    const now = clock().getTime();
    const sent = claimedAt === null ? null : { firstAt: toFirstAt(Date.parse(claimedAt), now), lastAt: now };
    return { tries: 0, retryAt: 0, sent, createdUid: null, refusal: null };
  }

  function isRepeatable(item: DispatchItem, { sent }: Attempt): boolean {
    if (sent === null) return true;
    return clock().getTime() + createTimeoutMs < sent.firstAt + item.spec.ttlSecondsAfterFinished * 1000;
  }

  async function create(item: DispatchItem, attempt: Attempt): Promise<DispatchOutcome> {
    const manifest = toManifest(item);
    const before = attempt.sent;
    const sentAt = clock().getTime();
    // Noted before the call: whatever fails from here on, in the store too, this job may be in the cluster.
    attempt.sent = { firstAt: before?.firstAt ?? sentAt, lastAt: sentAt };
    const outcome = await kube.createJob(manifest, signal);
    attempt.sent.lastAt = clock().getTime();
    if (madeNothing(outcome)) attempt.sent = before;
    switch (outcome.kind) {
      case 'created':
        await adopt(item, attempt, outcome.observation.uid);
        return 'created';
      case 'already-exists':
        return look(item, attempt, { mayRepeat: true });
      case 'refused':
        // An earlier try may have been let in, and arrive yet.
        if (before !== null) {
          attempt.refusal = outcome.message;
          const { reason, message: explanation } = outcome;
          await store.groupCommit(() => store.noteQueued(item.id, { reason, explanation }));
          return look(item, attempt, { mayRepeat: false });
        }
        await settle(item, () =>
          store.settleRefused(item.id, { reason: outcome.reason, message: outcome.message }),
        );
        return 'refused';
      case 'unknown':
        retryLater(attempt);
        log.warn(
          { jobId: item.id, tries: attempt.tries, error: outcome.message },
          'the outcome of a create is unknown',
        );
        await wait(item, outcome, sentAt);
        return outcome.sent ? 'unknown' : 'unsent';
      default:
        await wait(item, outcome, sentAt);
        return outcome.kind;
    }
  }

  /** Asks the cluster what there is under our name. */
  async function look(
    item: DispatchItem,
    attempt: Attempt,
    { mayRepeat }: { mayRepeat: boolean },
  ): Promise<DispatchOutcome> {
    const found = await kube.findJob(item.kubernetesName, signal);
    if (found?.jobId === item.id) return adopt(item, attempt, found.observation.uid);
    const settledAt = (attempt.sent?.lastAt ?? 0) + lateCommitMs;
    const mayArrive = clock().getTime() < settledAt;
    if (mayRepeat) {
      // Somebody else's object: it is left alone, and so is the name, which ours never had.
      if (found !== undefined) {
        const kubernetesName = item.generateName + drawNameSuffix(options.random);
        await store.groupCommit(() => store.renameJob(item.id, { kubernetesName }));
        attempt.sent = null;
        return 'renamed';
      }
    } else if (found === undefined && !mayArrive && isRepeatable(item, attempt)) {
      // Not there within the TTL, and not on its way: it was never made.
      await store.groupCommit(() => store.releaseClaim(item.id));
      attempts.delete(item.id);
      return 'released';
    } else if (!isRepeatable(item, attempt) && (found !== undefined || !mayArrive)) {
      await settle(item, () => store.settleUnknown(item.id, { message: toLostMessage(attempt) }));
      return 'lost';
    }
    retryLater(attempt);
    // If it arrives, the watch will tell; until it no longer can, another look would tell no more than this one.
    if (!mayRepeat && found === undefined) attempt.retryAt = settledAt;
    return 'unknown';
  }

  /** Kept in mind until the store has it: by the time that it takes it, the Job may have come and gone. */
  async function adopt(item: DispatchItem, attempt: Attempt, uid: string): Promise<DispatchOutcome> {
    attempt.createdUid = uid;
    await settle(item, () => store.settleCreated(item.id, { uid }));
    return 'adopted';
  }

  async function settle(item: DispatchItem, change: () => void): Promise<void> {
    if (pacing.release()) log.info('dispatch goes on');
    onAnswer(item);
    await store.groupCommit(change, { canWait: true });
    attempts.delete(item.id);
  }

  /**
   * It is nothing about this job: it stays queued and says why, and the others wait with it. What cannot have reached the cluster, this
   * one if no try of it can and all that was only claimed, gives its claim back, and can be cancelled at once.
   */
  async function wait(item: DispatchItem, outcome: Waiting, sentAt: number): Promise<void> {
    const hold = toHold(outcome, kube.namespace);
    const level = needsPeople(hold) ? 'error' : 'warn';
    if (pacing.current()?.reason !== hold.reason) log[level]({ ...hold }, 'dispatch waits');
    const forMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : null;
    pacing.hold(hold, { forMs, overtaxed: isOvertaxed(outcome), sentAt });
    const wasMade = attempts.get(item.id)?.sent !== null;
    let unsent: string[] = [];
    await store.groupCommit(() => {
      unsent = ahead.ids();
      store.releaseTogether(wasMade ? unsent : [...unsent, item.id]);
      store.noteQueued(item.id, hold);
    });
    ahead.forget(unsent);
    if (!wasMade) attempts.delete(item.id);
  }

  function retryLater(attempt: Attempt): void {
    attempt.retryAt = clock().getTime() + toPauseMs(attempt.tries) * (1 + Math.random() / 2);
  }

  function toManifest(item: DispatchItem) {
    const { tokens, callbackUrl, serviceAccountName } = options;
    // A job that was cancelled before we learned whether it exists must not start now. Made suspended it runs no pod, and
    // either answer tells the uid by which it is then deleted.
    return toJobManifest({
      item,
      callbackUrl,
      token: tokens.issue(item.id),
      serviceAccountName,
      suspend: item.cancelRequested,
    });
  }

  return {
    review,
    attemptOnce,
    /** How many tries had which outcome, since the start. */
    outcomes: tally.counts,
  };
}

/** A claim of the future: the clock was put back since, and nobody knows how long ago it was. So it counts as older than any TTL. */
function toFirstAt(claimedAt: number, now: number): number {
  return claimedAt > now + clockSkewMs ? -Infinity : claimedAt;
}

/** Certain of this try; `already-exists` may be one that an earlier try made, or something in between that repeated this one. */
function madeNothing(outcome: CreateOutcome): boolean {
  if (outcome.kind === 'unknown') return !outcome.sent;
  return outcome.kind !== 'created' && outcome.kind !== 'already-exists';
}

function toLostMessage({ refusal }: Attempt): string {
  const lost =
    'Nobody can tell whether the Job was created: the answer was lost, and by now it may have come and gone.';
  return refusal === null ? lost : `${lost} A later try was refused: ${refusal}`;
}
