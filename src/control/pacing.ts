/** Why nothing is created now. `reason` is the word that waiting jobs show. */
export type Hold = { reason: string; explanation: string };

const firstPauseMs = 800;
const longestPauseMs = 30_000;

export type Pacing = ReturnType<typeof createPacing>;

/** The pause before try number `tries` + 1, doubling from 0.8 s to 30 s. */
export function toPauseMs(tries: number): number {
  return Math.min(firstPauseMs * 2 ** Math.max(0, tries - 1), longestPauseMs);
}

/**
 * Keeps creates to what the cluster takes. The window is how many may be under way: one more for every full window that the cluster
 * took, up to `most`, and half of it (at least 1) each time that the cluster is overtaxed. A hold keeps all of them back; after it a
 * single create goes first, and when the cluster takes it, the window is what it was cut to.
 *
 * Creates that were under way together share one fate: they cut the window once, and one that is taken does not end the hold that
 * another one called for.
 */
export function createPacing({
  clock,
  random,
  most,
}: {
  clock: () => Date;
  random: () => number;
  most: number;
}) {
  let window = most;
  let taken = 0;
  let hold: Hold | null = null;
  /** When the window was last cut: what was sent before that was sent by the wider one. */
  let cutAt = -Infinity;
  let heldUntil = 0;
  let holdsInARow = 0;

  const isHeld = () => hold !== null && clock().getTime() < heldUntil;

  return {
    /** How many creates may be under way. */
    width(): number {
      if (hold === null) return window;
      return isHeld() ? 0 : 1;
    },

    /**
     * For `forMs` as the cluster said, or doubling from hold to hold; with up to half as much at random on top. `overtaxed`: fewer
     * at once might have been taken. `sentAt` (ms) is when the create was sent that was answered so.
     */
    hold(
      why: Hold,
      { forMs, overtaxed, sentAt }: { forMs: number | null; overtaxed: boolean; sentAt: number },
    ): void {
      const now = clock().getTime();
      if (!isHeld()) {
        holdsInARow += 1;
        heldUntil = now;
      }
      taken = 0;
      if (overtaxed && sentAt > cutAt) {
        window = Math.max(1, Math.floor(window / 2));
        cutAt = now;
      }
      hold = why;
      heldUntil = Math.max(heldUntil, now + (forMs ?? toPauseMs(holdsInARow) * (1 + random() / 2)));
    },

    /** The cluster took a create, or said something about that one alone. True where this ended a hold. */
    release(): boolean {
      if (isHeld()) return false;
      const wasHeld = hold !== null;
      hold = null;
      holdsInARow = 0;
      if (window < most) taken += 1;
      if (taken >= window) {
        window += 1;
        taken = 0;
      }
      return wasHeld;
    },

    /** Nothing waits for the end of the hold any more: nothing would tell, for as long as no other job comes. */
    lapse(): void {
      if (isHeld()) return;
      hold = null;
      holdsInARow = 0;
    },

    current: (): Hold | null => hold,
  };
}
