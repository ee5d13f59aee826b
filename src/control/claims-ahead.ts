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

  /** The next to be sent, if there is one. */
  function take(): DispatchItem | undefined {
    const least = items.at(-1);
    if (least === undefined) return undefined;
    if ((store.foremostPriority() ?? -Infinity) > least.spec.priority) giveBack();
    for (;;) {
      const item = items.shift();
      if (item === undefined || store.isStillWanted(item.id)) return item;
      store.releaseClaim(item.id);
    }
  }

  return {
    take,
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
