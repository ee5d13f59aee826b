/** Why nothing is created now. `reason` is the word that waiting jobs show. */
export type Hold = { reason: string; explanation: string };

const firstPauseMs = 800;
const longestPauseMs = 30_000;

/** The pause before try number `tries` + 1, doubling from 0.8 s to 30 s. */
export function toPauseMs(tries: number): number {
  return Math.min(firstPauseMs * 2 ** Math.max(0, tries - 1), longestPauseMs);
}

/**
 * Keeps creates away from a cluster that said (or showed) that it wants none now. After a hold a single create goes first; only
 * when the cluster takes it are the others let through again.
 */
export function createPacing({ clock, random }: { clock: () => Date; random: () => number }) {
  let hold: Hold | null = null;
  let heldUntil = 0;
  let holdsInARow = 0;

  return {
    /** How many creates may be under way, of `most`. */
    width(most: number): number {
      if (hold === null) return most;
      return clock().getTime() >= heldUntil ? 1 : 0;
    },

    /** For `forMs` as the cluster said, or doubling from hold to hold; with up to half as much at random on top. */
    hold(why: Hold, forMs: number | null = null): void {
      const now = clock().getTime();
      // Creates that were under way together and are told the same count once.
      if (hold === null || now >= heldUntil) holdsInARow += 1;
      hold = why;
      heldUntil = now + (forMs ?? toPauseMs(holdsInARow) * (1 + random() / 2));
    },

    /** The cluster took a create, or said something about that one alone. */
    release(): void {
      hold = null;
      holdsInARow = 0;
    },

    current: (): Hold | null => hold,
  };
}
