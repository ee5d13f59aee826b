import type { Logger } from 'pino';
import { isForWantOfQuota } from '../core/explain.ts';
import type { Kube } from '../kube/cluster.ts';
import type { Store } from '../store/store.ts';
import type { Unstarted } from '../store/unstarted.ts';
import { readUnstarted } from './unstarted-pages.ts';

/** A pod comes within this time, or something may be in its way. */
const patienceMs = 5000;
const longestPauseMs = 60_000;
/** In one run; there is about one run a second. */
const asksAtMost = 4;

/** When a job is asked about next (monotonic, in ms), the pause after that, and what was told of it last. */
type Turn = { at: number; pauseMs: number; told: string | null };

/**
 * Finds out why a Job has no pod. One that the cluster refuses (Pod Security, a quota, a policy) is no object that a watch could see: only
 * an event of the Job tells. Each job without a pod is asked about after 5 s, then after pauses that double to a minute.
 */
export function createPodRefusals({
  store,
  kube,
  log,
  isSeeing,
  signal,
  elapsed = () => performance.now(),
}: {
  store: Pick<Store, 'listUnstarted' | 'keepPodRefusal'>;
  kube: Pick<Kube, 'findPodRefusal'>;
  log: Logger;
  /** Whether the watches tell now what happens: else a job may have pods that nobody has seen. */
  isSeeing: () => boolean;
  signal: AbortSignal;
  /** Monotonic, in ms. */
  elapsed?: () => number;
}) {
  let turns = new Map<string, Turn>();
  let isFailing = false;

  async function runOnce(): Promise<{ asked: number; refused: number }> {
    if (!isSeeing()) return { asked: 0, refused: 0 };
    const now = elapsed();
    const podless: Unstarted[] = [];
    for await (const page of readUnstarted(store)) podless.push(...page.filter(({ hasPod }) => !hasPod));
    const toTurn = (id: string): Turn =>
      turns.get(id) ?? { at: now + patienceMs, pauseMs: patienceMs, told: null };
    const waiting = podless.map(({ id, uid }) => ({ id, uid, turn: toTurn(id) }));
    // Only of those that still have none, so that the map does not grow.
    turns = new Map(waiting.map(({ id, turn }) => [id, turn]));
    const due = waiting
      .filter(({ turn }) => turn.at <= now)
      .toSorted((a, b) => a.turn.at - b.turn.at)
      .slice(0, asksAtMost);
    const answers = await Promise.all(
      due.map(({ id, uid, turn }) => {
        turn.at = now + turn.pauseMs;
        turn.pauseMs = Math.min(2 * turn.pauseMs, longestPauseMs);
        return ask(id, uid, turn);
      }),
    );
    return { asked: due.length, refused: answers.filter(Boolean).length };
  }

  async function ask(id: string, uid: string, turn: Turn): Promise<boolean> {
    try {
      const message = await kube.findPodRefusal(uid, signal);
      isFailing = false;
      if (message === null) return false;
      // Each try draws the name of its pod anew, and a full quota is told with what is used of it; the history needs the reason once.
      const told = isForWantOfQuota(message) ? 'quota' : message.replace(/pods "[^"]*"/, 'pods');
      if (told !== turn.told) store.keepPodRefusal(id, message);
      turn.told = told;
      return true;
    } catch (err) {
      if (!signal.aborted && !isFailing) log.warn({ err, jobId: id }, 'nobody can tell why a Job has no pod');
      isFailing = true;
      return false;
    }
  }

  return { runOnce };
}
