import type { Logger } from 'pino';
import type { Store } from '../store/store.ts';
import { readUnstarted } from './unstarted-pages.ts';

/** A process that was stopped for a while, or too busy to look, has seen no more than this since its last look. */
const longestLookMs = 5000;

/**
 * Gives up jobs that never start. Kubernetes itself waits for ever for an image that is not to be had or a node that has no room, and the
 * job holds a place meanwhile.
 *
 * What counts is the time in which this process has seen the job wait: not the wall clock, which may jump, not the time in
 * which a watch is broken, when a job may well run unseen, and not the time for which the namespace's quota has no room for its pod, since
 * that is a queue like our own. A restart begins anew. Before anything is cancelled, the pods are listed afresh,
 * since a watch can be silent for a while before it is known to be broken.
 */
export function createStartDeadline({
  store,
  log,
  startDeadlineSeconds,
  isSeeing,
  refresh,
  elapsed = () => performance.now(),
}: {
  store: Pick<Store, 'listUnstarted' | 'requestCancel'>;
  log: Logger;
  /** 0: never. */
  startDeadlineSeconds: number;
  /** Whether the watches tell now what happens. */
  isSeeing: () => boolean;
  /** Looks at the pods afresh; false when that failed. */
  refresh: () => Promise<boolean>;
  /** Monotonic, in ms. */
  elapsed?: () => number;
}) {
  const limitMs = startDeadlineSeconds * 1000;
  /** How long each job was seen to wait, in ms. */
  let waited = new Map<string, number>();
  /** The last look; null when the one before this saw nothing. */
  let lookedAt: number | null = null;

  async function runOnce(): Promise<{ waiting: number; cancelled: number }> {
    if (limitMs === 0) return { waiting: 0, cancelled: 0 };
    if (!isSeeing()) {
      lookedAt = null;
      return { waiting: waited.size, cancelled: 0 };
    }
    await look();
    const due = [...waited].filter(([, ms]) => ms >= limitMs).map(([id]) => id);
    if (due.length === 0 || !(await refresh())) return { waiting: waited.size, cancelled: 0 };
    const cancelled = await giveUp(new Set(due));
    return { waiting: waited.size - cancelled, cancelled };
  }

  async function look(): Promise<void> {
    const now = elapsed();
    const seenMs = lookedAt === null ? 0 : Math.min(now - lookedAt, longestLookMs);
    lookedAt = now;
    // Only of those that still wait, so that the map does not grow.
    const seen = new Map<string, number>();
    for await (const page of readUnstarted(store)) {
      for (const { id, waitsForQuota } of page) {
        const before = waited.get(id);
        seen.set(id, before === undefined ? 0 : before + (waitsForQuota ? 0 : seenMs));
      }
    }
    waited = seen;
  }

  async function giveUp(due: ReadonlySet<string>): Promise<number> {
    let cancelled = 0;
    for await (const page of readUnstarted(store)) {
      for (const { id } of page.filter((job) => due.has(job.id))) {
        store.requestCancel(id, 'StartDeadline');
        cancelled += 1;
        log.info({ jobId: id, startDeadlineSeconds }, 'a job did not start in time, and is given up');
      }
    }
    return cancelled;
  }

  return { runOnce };
}
