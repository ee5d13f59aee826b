/**
 * From a row to a Kubernetes Job, exactly once. The claim is committed before anything is sent, the name was drawn at accept, and one
 * try of a job is under way at a time (create-attempts.ts).
 *
 * The window counts creates that the cluster has not answered. An answer makes room for the next one at once, while the store still
 * takes it down, together with other changes; until it has, the job stays in our hands.
 */
import type { DispatchItem } from '../store/dispatch.ts';
import { createClaimsAhead } from './claims-ahead.ts';
import { createAttempts } from './create-attempts.ts';
import type { CreateOptions } from './create-attempts.ts';
import { createPacing } from './pacing.ts';

export type DispatcherOptions = CreateOptions & {
  maxActive: number;
  /** From when on nothing is to be started any more; `signal` ends what is under way. */
  stopping: AbortSignal;
};

const createsAtOnce = 8;

export function createDispatcher({ maxActive, stopping, ...options }: DispatcherOptions) {
  const { store, clock } = options;
  const pacing = createPacing({ clock, random: Math.random, most: createsAtOnce });
  const ahead = createClaimsAhead(store);
  const attempts = createAttempts({ ...options, pacing, ahead, onAnswer: makeRoom });
  /** Until the store has the outcome. */
  const underWay = new Map<string, Promise<void>>();
  /** Those of them that wait for the cluster. */
  const unanswered = new Set<string>();
  const listeners = new Set<() => void>();
  let begun = 0;
  let claiming: Promise<void> | null = null;

  const room = () => pacing.width() - unanswered.size;
  const isBusy = () => underWay.size > 0 || claiming !== null;

  /** Starts as many creates as there is room for, and does not wait for their end. */
  async function runOnce(): Promise<{ started: number }> {
    const before = begun;
    if (!stopping.aborted) await startRound();
    return { started: begun - before };
  }

  async function startRound(): Promise<void> {
    // While dispatch waits, nobody holds a place that is not about to be used.
    if (pacing.current() !== null) ahead.giveBack();
    ahead.review();
    const { waiting, isRetryDue } = attempts.review((id) => underWay.has(id));
    if (room() <= 0) return;
    // What was sent before comes before what was only claimed.
    if (isRetryDue) startClaimed(store.nextToDispatch(room(), inHand(waiting), 0));
    startAhead();
    if (claiming === null && ahead.ids().length <= pacing.width() / 2) refill(waiting);
    if (underWay.size === 0 && waiting.size === 0 && claiming === null) pacing.lapse();
    // Where all places of the window are taken, the loop need not wait for what goes into the next one.
    if (claiming === null || room() <= 0) return;
    await claiming;
    startAhead();
  }

  /** Of what was claimed ahead, as much as there is room for. */
  function startAhead(): void {
    for (let item; room() > 0 && !stopping.aborted && (item = ahead.take()) !== undefined;) {
      start(item, { maySend: true });
    }
  }

  /** Starts what an earlier life of the process had claimed; claims what nobody has yet, for the window and, unless dispatch waits, for the next one. */
  function refill(waiting: ReadonlySet<string>): void {
    const next = pacing.current() === null ? pacing.width() - ahead.ids().length : 0;
    const items = store.nextToDispatch(room() + next, inHand(waiting), maxActive - store.countInCluster());
    const before = items.filter(({ claimedAt }) => claimedAt !== null);
    const fresh = before.length > room() ? [] : items.slice(before.length);
    startClaimed(before.slice(0, room()));
    if (fresh.length === 0) return;
    claiming = claim(fresh);
    // Where nobody waits for it, a failure is left to the next round, which claims again.
    claiming.catch(() => {});
  }

  async function claim(items: readonly DispatchItem[]): Promise<void> {
    try {
      // Where there is no room, all of them are for later.
      await ahead.claim(items, { canWait: room() <= 0 });
    } finally {
      claiming = null;
    }
  }

  function startClaimed(items: readonly DispatchItem[]): void {
    let places = maxActive - store.countCreated() - underWay.size;
    for (const item of items) {
      start(item, { maySend: places > 0 });
      places -= 1;
    }
  }

  const inHand = (waiting: ReadonlySet<string>) => new Set([...waiting, ...underWay.keys(), ...ahead.ids()]);

  function start(item: DispatchItem, how: { maySend: boolean }): void {
    begun += 1;
    unanswered.add(item.id);
    const work = attempts.attemptOnce(item, how).finally(() => {
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

  return {
    runOnce,
    /** Called when the cluster has answered, so that there is room for another create; returns the way to stop that. */
    onRoom(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Gives the claims back of what was not sent, when nothing will be any more. */
    giveBack: ahead.giveBack,
    /** Resolves when neither a create nor a claim is under way. */
    async idle(): Promise<void> {
      while (isBusy()) {
        await Promise.allSettled([...underWay.values(), claiming]);
      }
    },
    /** Why creates wait, or null. */
    hold: pacing.current,
    outcomes: attempts.outcomes,
  };
}
