/**
 * From a row to a Kubernetes Job, exactly once. The claim is committed before anything is sent, the name was drawn at accept, and a
 * create whose outcome is unknown is repeated with that same name until the API server says what became of it.
 *
 * Repeating is safe only while an earlier try's Job cannot have come and gone unseen, that is within its TTL. After that
 * the cluster is asked instead, and a Job that is not there (and cannot arrive late any more) is lost: never a second run.
 *
 * The window counts creates that the cluster has not answered. An answer makes room for the next one at once, while the store still
 * takes it down, together with whatever else changes in the same turn of the event loop; until it has, the job stays in our hands.
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
import { createClaimsAhead } from './claims-ahead.ts';
import { createDispatchTally } from './dispatch-tally.ts';
import type { DispatchOutcome } from './dispatch-tally.ts';
import { isOvertaxed, needsPeople, toHold } from './holds.ts';
import type { Waiting } from './holds.ts';
import { createPacing, toPauseMs } from './pacing.ts';

export type DispatcherOptions = {
  store: Store;
  kube: Kube;
  tokens: { issue: (jobId: string) => string };
  callbackUrl: string;
  serviceAccountName?: string | undefined;
  maxActive: number;
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
};

const createsAtOnce = 8;
/** An API server may still commit so long after we stopped waiting for it. */
const lateCommitMs = 60_000;
const forgetAfterMs = 600_000;
/** Clocks of two machines may differ by so much. */
const clockSkewMs = 5000;

export function createDispatcher(options: DispatcherOptions) {
  const { store, kube, maxActive, log, clock, signal } = options;
  const pacing = createPacing({ clock, random: Math.random, most: createsAtOnce });
  const attempts = new Map<string, Attempt>();
  /** Until the store has the outcome. */
  const underWay = new Map<string, Promise<void>>();
  /** Those of them that wait for the cluster. */
  const unanswered = new Set<string>();
  const listeners = new Set<() => void>();
  const ahead = createClaimsAhead(store);
  const tally = createDispatchTally();

  /** Starts as many creates as there is room for, and does not wait for their end. */
  function runOnce(): { started: number } {
    if (signal.aborted) return { started: 0 };
    ahead.review();
    const { waiting, isRetryDue } = reviewAttempts();
    const free = pacing.width() - unanswered.size;
    if (free <= 0) return { started: 0 };
    let started = 0;
    // What was sent before comes before what was only claimed.
    if (isRetryDue) started += claimAndStart(free, { waiting, room: 0 });
    for (let item; started < free && (item = ahead.take()) !== undefined; started += 1) {
      start(item, { maySend: true });
    }
    if (ahead.ids().length === 0) {
      started += claimAndStart(free - started, { waiting, room: maxActive - store.countInCluster() });
    }
    if (underWay.size === 0 && waiting.size === 0) pacing.lapse();
    return { started };
  }

  /** Which jobs wait for the time of another try, and whether there are some whose time has come. */
  function reviewAttempts(): { waiting: Set<string>; isRetryDue: boolean } {
    const now = clock().getTime();
    const waiting = new Set<string>();
    let isRetryDue = false;
    for (const [id, attempt] of attempts) {
      if (attempt.retryAt > now) waiting.add(id);
      else if (!underWay.has(id)) {
        // Long overdue: it was settled by what the watch saw. Looked at anew it would be judged more carefully, not less.
        if (attempt.sent !== null && attempt.retryAt + forgetAfterMs < now) attempts.delete(id);
        else isRetryDue = true;
      }
    }
    return { waiting, isRetryDue };
  }

  /** Up to `free` of what is next, and a window more is claimed, unless dispatch waits or there is more that was claimed before. */
  function claimAndStart(
    free: number,
    { waiting, room }: { waiting: ReadonlySet<string>; room: number },
  ): number {
    const limit = free + (pacing.current() === null ? pacing.width() : 0);
    const inHand = new Set([...waiting, ...underWay.keys(), ...ahead.ids()]);
    const items = store.nextToDispatch(limit, inHand, room);
    if (items.length === 0) return 0;
    let places = maxActive - store.countCreated() - underWay.size;
    const before = items.filter(({ claimedAt }) => claimedAt !== null);
    const fresh = before.length > free ? [] : items.slice(before.length);
    const next = [...before.slice(0, free), ...ahead.claim(fresh, free - before.length)];
    for (const item of next) {
      start(item, { maySend: places > 0 });
      places -= 1;
    }
    return next.length;
  }

  function start(item: DispatchItem, how: { maySend: boolean }): void {
    unanswered.add(item.id);
    const work = dispatch(item, how).finally(() => {
      underWay.delete(item.id);
      makeRoom(item);
    });
    underWay.set(item.id, work);
  }

  /** The cluster has said what it has to say. */
  function makeRoom({ id }: DispatchItem): void {
    if (!unanswered.delete(id)) return;
    for (const listener of listeners) listener();
  }

  /** Without `maySend` the cluster is only asked: of a restored backup all that waited is claimed, more than there are places. */
  async function dispatch(item: DispatchItem, { maySend }: { maySend: boolean }): Promise<void> {
    const attempt = attempts.get(item.id) ?? toFirstAttempt(item);
    attempts.set(item.id, attempt);
    attempt.tries += 1;
    try {
      tally.add(await tryOnce(item, attempt, maySend));
    } catch (err) {
      if (signal.aborted) return;
      tally.add('failed');
      // The row stays claimed and is taken up again; nothing is lost by waiting.
      retryLater(attempt);
      const level = err instanceof AppError ? 'warn' : 'error';
      log[level]({ err, jobId: item.id }, 'a dispatch failed, and is tried again');
    }
  }

  async function tryOnce(item: DispatchItem, attempt: Attempt, maySend: boolean): Promise<DispatchOutcome> {
    if (attempt.createdUid !== null) return adopt(item, attempt, attempt.createdUid);
    if (maySend && isRepeatable(item, attempt)) return create(item, attempt);
    return look(item, attempt, { mayRepeat: false });
  }

  /** A claim that is not from this life of the process may have been sent at once, and as late as a moment ago. */
  function toFirstAttempt({ claimedAt }: DispatchItem): Attempt {
    const now = clock().getTime();
    const sent = claimedAt === null ? null : { firstAt: toFirstAt(Date.parse(claimedAt), now), lastAt: now };
    return { tries: 0, retryAt: 0, sent, createdUid: null };
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
      await settle(item, () => store.settleUnknown(item.id, { message: lostMessage }));
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
    makeRoom(item);
    await store.groupCommit(change);
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
    const unsent = [...ahead.empty(), ...(wasMade ? [] : [item])];
    await store.groupCommit(() => {
      for (const { id } of unsent) store.releaseClaim(id);
      store.noteQueued(item.id, hold);
    });
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
    runOnce,
    /** Called when the cluster has answered, so that there is room for another create; returns the way to stop that. */
    onRoom(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Gives the claims back of what was not sent, when nothing will be any more. */
    giveBack: ahead.giveBack,
    /** Resolves when no create is under way. */
    async idle(): Promise<void> {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    /** Why creates wait, or null. */
    hold: pacing.current,
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

const lostMessage =
  'Nobody can tell whether the Job was created: the answer was lost, and by now it may have come and gone.';
