import { setImmediate as nextTurn } from 'node:timers/promises';

/** What was seen of one object, and how the store is told of it. */
export type Sighting = {
  uid: string;
  /** As a part of a transaction; what it throws undoes the others too. */
  together: () => void;
  /** Outside of any. */
  alone: () => void;
};

/** What one transaction takes: a request that comes meanwhile waits for no longer. */
const biteMs = 4;

/**
 * Stores sightings in the order in which they came, as many as fit into a bite in one transaction, which they share with other changes, and for
 * which they wait a little: most of what a single one costs is the commit. Where one cannot be stored, the others of its bite are not
 * to suffer: the bite was undone, and is told one by one.
 */
export function createSightings({
  groupCommit,
  onStored,
  tellAlone,
  elapsed = () => performance.now(),
}: {
  groupCommit: <T>(change: () => T, how: { canWait: boolean }) => Promise<T>;
  onStored: (sighting: Sighting) => void;
  tellAlone: (sighting: Sighting) => void;
  /** Monotonic, in ms. */
  elapsed?: () => number;
}) {
  const waiting: Sighting[] = [];
  let draining: Promise<void> | null = null;

  async function drain(): Promise<void> {
    // What a bite has left over has waited long enough.
    for (let canWait = true; waiting.length > 0; canWait = false) {
      // A change may be run twice, and then begins anew.
      let taken = 0;
      const bite = () => {
        taken = 0;
        const began = elapsed();
        for (const { together } of waiting) {
          taken += 1;
          together();
          if (elapsed() - began >= biteMs) break;
        }
      };
      try {
        await groupCommit(bite, { canWait });
        for (const sighting of waiting.splice(0, taken)) onStored(sighting);
      } catch {
        // None was taken where not even a transaction could begin.
        for (const sighting of waiting.slice(0, Math.max(1, taken))) {
          tellAlone(sighting);
          waiting.shift();
          await nextTurn();
        }
      }
    }
    draining = null;
  }

  return {
    add(sighting: Sighting): void {
      waiting.push(sighting);
      draining ??= drain();
    },

    /** The objects of which something waits. */
    awaited: (): ReadonlySet<string> => new Set(waiting.map(({ uid }) => uid)),

    /** Resolves when none waits any more: each is in the store, or somebody's debt. Who asks is not kept waiting for company. */
    stored: async (): Promise<void> => {
      if (draining === null) return;
      void groupCommit(() => {}, { canWait: false }).catch(() => {});
      await draining;
    },
  };
}
