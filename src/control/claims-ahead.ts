import type { DispatchItem } from '../store/dispatch.ts';
import type { Store } from '../store/store.ts';

type Claims = Pick<Store, 'claimTogether' | 'foremostPriority' | 'isStillWanted' | 'releaseClaim'>;

/**
 * Jobs that are claimed and were not sent yet: the next create then starts as soon as an answer has come, without a commit in between, and
 * one commit claims for a whole window. They hold places like everything that is claimed. That they wait here changes nothing for
 * anybody: what was cancelled meanwhile never reaches the cluster, and a higher priority that comes later still goes first.
 */
export function createClaimsAhead(store: Claims) {
  let items: DispatchItem[] = [];

  /** Hands all of them over; whoever takes them sends them, or gives their claims back. */
  function empty(): DispatchItem[] {
    const all = items;
    items = [];
    return all;
  }

  function giveBack(): void {
    for (const { id } of empty()) store.releaseClaim(id);
  }

  /** Before each round: what somebody cancelled ends at once, and what is outranked waits again with the others. */
  function review(): void {
    const least = items.at(-1);
    if (least === undefined) return;
    if ((store.foremostPriority() ?? -Infinity) > least.spec.priority) return giveBack();
    const unwanted = new Set(items.filter(({ id }) => !store.isStillWanted(id)));
    items = items.filter((item) => !unwanted.has(item));
    for (const { id } of unwanted) store.releaseClaim(id);
  }

  return {
    review,
    /** The next to be sent, if there is one. */
    take: () => items.shift(),
    empty,
    giveBack,
    /** Claims these, in their order; returns those of the first `now` that could be claimed, and keeps the others. */
    claim(wanted: readonly DispatchItem[], now: number): DispatchItem[] {
      if (wanted.length === 0) return [];
      const claimed = store.claimTogether(wanted);
      items.push(...claimed.slice(now));
      return claimed.slice(0, now);
    },
    ids: () => items.map(({ id }) => id),
  };
}
