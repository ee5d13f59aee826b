import type { DispatchItem } from '../store/dispatch.ts';
import type { Store } from '../store/store.ts';

type Claims = Pick<
  Store,
  'claimTogether' | 'foremostPriority' | 'groupCommit' | 'isStillWanted' | 'releaseTogether'
>;

export type ClaimsAhead = ReturnType<typeof createClaimsAhead>;

/**
 * Jobs that are claimed and were not sent yet: the next create then starts as soon as an answer has come, without a commit in between, and
 * one commit claims for a whole window. They hold places like everything that is claimed. That they wait here changes nothing for
 * anybody: what was cancelled meanwhile never reaches the cluster, and a higher priority that comes later still goes first.
 */
export function createClaimsAhead(store: Claims) {
  let items: DispatchItem[] = [];

  const ids = () => items.map(({ id }) => id);

  /** Their claims were given back by whoever calls this. */
  function forget(unsent: readonly string[]): void {
    items = items.filter(({ id }) => !unsent.includes(id));
  }

  /** In our hands until the store has it: of what nobody has in hand, nobody would know that it was not sent. */
  function release(unsent: readonly string[]): void {
    if (unsent.length === 0) return;
    store.releaseTogether(unsent);
    forget(unsent);
  }

  const giveBack = () => release(ids());

  /** Before each round: what somebody cancelled ends at once, and what is outranked waits again with the others. */
  function review(): void {
    const least = items.at(-1);
    if (least === undefined) return;
    if ((store.foremostPriority() ?? -Infinity) > least.spec.priority) return giveBack();
    release(ids().filter((id) => !store.isStillWanted(id)));
  }

  /** The next to be sent, if there is one; what was cancelled since the round began is none. */
  function take(): DispatchItem | undefined {
    const [item] = items;
    if (item === undefined) return undefined;
    if (store.isStillWanted(item.id)) return items.shift();
    release([item.id]);
    return take();
  }

  return {
    review,
    take,
    forget,
    giveBack,
    /** Claims what of these can be claimed, in their order, in a transaction with other changes. They are in our hands before another round begins. */
    async claim(wanted: readonly DispatchItem[], how: { canWait: boolean }): Promise<void> {
      items.push(...(await store.groupCommit(() => store.claimTogether(wanted), how)));
    },
    ids,
  };
}
