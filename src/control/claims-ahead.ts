import type { DispatchItem } from '../store/dispatch.ts';
import type { Store } from '../store/store.ts';

type Claims = Pick<
  Store,
  'claimTogether' | 'foremostPriority' | 'groupCommit' | 'isStillWanted' | 'releaseClaim'
>;

export type ClaimsAhead = ReturnType<typeof createClaimsAhead>;

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
    /** Claims what of these can be claimed, in their order, together with whatever else changes in the same turn of the event loop. */
    async claim(wanted: readonly DispatchItem[], how: { canWait: boolean }): Promise<void> {
      items.push(...(await store.groupCommit(() => store.claimTogether(wanted), how)));
      // In that same commit somebody may have cancelled one of them.
      review();
    },
    ids: () => items.map(({ id }) => id),
  };
}
