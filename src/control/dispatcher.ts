/**
 * From a row to a Kubernetes Job, exactly once. The claim is committed before anything is sent, the name was drawn at accept, and a
 * create whose outcome is unknown is repeated with that same name until the API server says what became of it.
 *
 * Repeating is safe only while an earlier try's Job cannot have come and gone unseen, that is within its TTL. After that
 * the cluster is asked instead, and a Job that is not there (and cannot arrive late any more) is lost: never a second run.
 */
import type { Logger } from 'pino';
import { AppError } from '../core/app-error.ts';
import { drawNameSuffix } from '../core/names.ts';
import { createTimeoutMs } from '../kube/cluster.ts';
import type { Kube } from '../kube/cluster.ts';
import { toJobManifest } from '../kube/job-manifest.ts';
import type { DispatchItem } from '../store/dispatch.ts';
import type { Store } from '../store/store.ts';
import { createPacing, toPauseMs } from './pacing.ts';
import type { Hold } from './pacing.ts';

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
  /** When a create of it can have reached the cluster first; null: none has. */
  firstSentAt: number | null;
  lastSentAt: number | null;
};

const createsAtOnce = 8;
/** An API server may still commit so long after we stopped waiting for it. */
const lateCommitMs = 60_000;
const forgetAfterMs = 600_000;
/** Holds that do not pass by themselves. */
const forPeople = new Set(['Forbidden', 'NamespaceMissing']);

export function createDispatcher(options: DispatcherOptions) {
  const { store, kube, maxActive, log, clock, signal } = options;
  const pacing = createPacing({ clock, random: Math.random });
  const attempts = new Map<string, Attempt>();
  const underWay = new Map<string, Promise<void>>();

  /** Starts as many creates as there is room for, and does not wait for their end. */
  function runOnce(): { started: number } {
    const now = clock().getTime();
    const inHand = new Set(underWay.keys());
    for (const [id, attempt] of attempts) {
      if (attempt.retryAt > now) inHand.add(id);
      // Long overdue: it was settled by what the watch saw. Looked at anew it would be judged more carefully, not less.
      else if (attempt.firstSentAt !== null && attempt.retryAt + forgetAfterMs < now) attempts.delete(id);
    }
    const width = pacing.width(createsAtOnce) - underWay.size;
    if (width <= 0 || signal.aborted) return { started: 0 };
    let room = maxActive - store.countInCluster();
    let started = 0;
    for (const item of store.nextToDispatch(width, inHand)) {
      if (item.claimedAt === null) {
        if (room <= 0 || !store.claimDispatch(item.id)) continue;
        room -= 1;
      }
      const work = dispatch(item).finally(() => underWay.delete(item.id));
      underWay.set(item.id, work);
      started += 1;
    }
    return { started };
  }

  async function dispatch(item: DispatchItem): Promise<void> {
    const attempt = attempts.get(item.id) ?? toFirstAttempt(item);
    attempts.set(item.id, attempt);
    attempt.tries += 1;
    try {
      await (isRepeatable(item, attempt) ? create(item, attempt) : look(item, attempt));
    } catch (err) {
      if (signal.aborted) return;
      // The row stays claimed and is taken up again; nothing is lost by waiting.
      retryLater(attempt);
      const level = err instanceof AppError ? 'warn' : 'error';
      log[level]({ err, jobId: item.id }, 'a dispatch failed, and is tried again');
    }
  }

  /** A claim that is not from this life of the process may have been sent at once, and as late as a moment ago. */
  function toFirstAttempt({ claimedAt }: DispatchItem): Attempt {
    if (claimedAt === null) return { tries: 0, retryAt: 0, firstSentAt: null, lastSentAt: null };
    return { tries: 0, retryAt: 0, firstSentAt: Date.parse(claimedAt), lastSentAt: clock().getTime() };
  }

  function isRepeatable(item: DispatchItem, { firstSentAt }: Attempt): boolean {
    if (firstSentAt === null) return true;
    return clock().getTime() + createTimeoutMs < firstSentAt + item.spec.ttlSecondsAfterFinished * 1000;
  }

  async function create(item: DispatchItem, attempt: Attempt): Promise<void> {
    const sentAt = clock().getTime();
    const outcome = await kube.createJob(toManifest(item), signal);
    if (outcome.kind === 'unknown' && outcome.sent) {
      attempt.firstSentAt ??= sentAt;
      attempt.lastSentAt = clock().getTime();
    }
    switch (outcome.kind) {
      case 'created':
        settle(item, () => store.settleCreated(item.id, { uid: outcome.observation.uid }));
        return;
      case 'already-exists':
        await look(item, attempt);
        return;
      case 'refused':
        settle(item, () =>
          store.settleRefused(item.id, { reason: outcome.reason, message: outcome.message }),
        );
        return;
      case 'unknown':
        retryLater(attempt);
        log.warn(
          { jobId: item.id, tries: attempt.tries, error: outcome.message },
          'the outcome of a create is unknown',
        );
        if (!outcome.sent)
          wait(item, {
            reason: 'ClusterUnreachable',
            explanation: `The cluster cannot be reached: ${outcome.message}.`,
          });
        return;
      case 'slow-down':
        wait(
          item,
          { reason: 'TooManyRequests', explanation: 'The cluster asked us to wait before the next create.' },
          outcome.retryAfterMs,
        );
        return;
      case 'quota':
        wait(
          item,
          {
            reason: 'QuotaExceeded',
            explanation: `The namespace's quota is full; the job is created when there is room: ${outcome.message}`,
          },
          outcome.retryAfterMs,
        );
        return;
      case 'forbidden':
        wait(item, {
          reason: 'Forbidden',
          explanation: `We lack the right to create Jobs in ${kube.namespace}: ${outcome.message}`,
        });
        return;
      case 'no-namespace':
        wait(item, {
          reason: 'NamespaceMissing',
          explanation: `The namespace ${kube.namespace} cannot take Jobs: ${outcome.message}`,
        });
        return;
    }
  }

  /** Asks the cluster what there is under our name. */
  async function look(item: DispatchItem, attempt: Attempt): Promise<void> {
    const found = await kube.findJob(item.kubernetesName, signal);
    if (found?.jobId === item.id) {
      settle(item, () => store.settleCreated(item.id, { uid: found.observation.uid }));
      return;
    }
    const mayArrive = clock().getTime() < (attempt.lastSentAt ?? 0) + lateCommitMs;
    if (isRepeatable(item, attempt)) {
      // Somebody else's object: it is left alone, and so is the name, which ours never had.
      if (found !== undefined)
        store.renameJob(item.id, { kubernetesName: item.generateName + drawNameSuffix(options.random) });
      else retryLater(attempt);
    } else if (found === undefined && mayArrive) {
      retryLater(attempt);
    } else {
      settle(item, () => store.settleUnknown(item.id, { message: lostMessage }));
    }
  }

  function settle(item: DispatchItem, commit: () => void): void {
    commit();
    attempts.delete(item.id);
    if (pacing.current() !== null) log.info('dispatch goes on');
    pacing.release();
  }

  /**
   * Nothing was made, and it is nothing about this job: it stays queued and says why, and the others wait with it. If no earlier
   * try can have reached the cluster either, it gives its claim back, and can be cancelled at once.
   */
  function wait(item: DispatchItem, why: Hold, forMs?: number): void {
    if (attempts.get(item.id)?.firstSentAt === null) {
      store.releaseClaim(item.id);
      attempts.delete(item.id);
    }
    const level = forPeople.has(why.reason) ? 'error' : 'warn';
    if (pacing.current()?.reason !== why.reason) log[level]({ ...why }, 'dispatch waits');
    pacing.hold(why, forMs);
    store.noteQueued(item.id, why);
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
    /** Resolves when no create is under way. */
    async idle(): Promise<void> {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    /** Why creates wait, or null. */
    hold: pacing.current,
  };
}

const lostMessage =
  'Nobody can tell whether the Job was created: the answer was lost, and by now it may have come and gone.';
