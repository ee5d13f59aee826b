import { AppError } from '../core/app-error.ts';
import type { LoopHealth } from '../core/readiness.ts';

/**
 * No run takes so long by rights, as each call to the cluster has a limit of half of it; only a compare waits through an outage, and is
 * told beside the watch that is broken.
 */
const longestRunMs = 60_000;

export type LoopsHealth = ReturnType<typeof createLoopsHealth>;

type Loop = { health: LoopHealth; runningSince: number | null };

/** How each loop fares, under the name by which the log knows it. */
export function createLoopsHealth({ clock }: { clock: () => Date }) {
  const loops = new Map<string, Loop>();

  /** For one loop, which tells here how its runs go. */
  function record(name: string) {
    if (loops.has(name)) throw new Error(`there are two loops named ${name}`);
    const health: LoopHealth = { runs: 0, failures: 0, lastSuccessAt: null, lastError: null };
    const loop: Loop = { health, runningSince: null };
    loops.set(name, loop);

    function ended(error: string | null): void {
      loop.runningSince = null;
      health.runs += 1;
      health.lastError = error;
    }

    return {
      began: () => {
        loop.runningSince = clock().getTime();
      },
      succeeded: () => {
        ended(null);
        health.lastSuccessAt = clock().toISOString();
      },
      failed: (error: unknown) => {
        // Anybody may read it in `/readyz`, so it tells nothing of our insides.
        ended(error instanceof AppError ? error.message : 'An unforeseen error; the log knows more.');
        health.failures += 1;
      },
    };
  }

  /** One sentence for each loop that failed in its last run, or does not come back from it. */
  function complaints(): string[] {
    const now = clock().getTime();
    return [...loops].flatMap(([name, { health, runningSince }]) => {
      const seconds = runningSince === null ? 0 : Math.round((now - runningSince) / 1000);
      return [
        ...(health.lastError === null ? [] : [`The loop "${name}" failed in its last run.`]),
        ...(seconds * 1000 <= longestRunMs
          ? []
          : [`The loop "${name}" has been in one run for ${seconds} s.`]),
      ];
    });
  }

  function all(): Record<string, LoopHealth> {
    return Object.fromEntries([...loops].map(([name, { health }]) => [name, { ...health }]));
  }

  return { record, complaints, all };
}
