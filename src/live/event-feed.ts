/**
 * Live: what happens to jobs, while it happens.
 *
 * Owns: following the history after a sequence number, and reading a job's log from wherever it is.
 * May import: core, store, kube.
 * Never: keeps anything for a reader that does not take it; the table is the only queue.
 */
import type { JobEvent } from '../core/job.ts';
import type { Store } from '../store/store.ts';

type Follow = { after: number; jobId?: string | undefined; signal: AbortSignal };

export type EventFeed = ReturnType<typeof createEventFeed>;

const batch = 500;

/**
 * Followers read the table from their own sequence number: first what is there already, then what is added, without gap or double.
 * The newest events are read once for all of them and shared; who is slower than that reads the table again.
 */
export function createEventFeed({ store }: { store: Pick<Store, 'listEvents' | 'lastSeq' | 'onCommit'> }) {
  /** Woken by the next event of a job, or (under null) of any. */
  const waiting = new Map<string | null, Set<() => void>>();
  let followers = 0;
  let stopListening: (() => void) | null = null;
  /** All events after `floor` up to the newest that was read, at most `batch` of them. */
  let recent: JobEvent[] = [];
  let floor = 0;
  let isDue = false;

  /** Ends with the signal. Never throws for it. */
  async function* follow({ after, jobId, signal }: Follow): AsyncGenerator<JobEvent, void, undefined> {
    join();
    try {
      let seen = after;
      while (!signal.aborted) {
        const events = take(seen, jobId);
        for (const event of events) {
          if (signal.aborted) return;
          seen = event.seq;
          yield event;
        }
        if (events.length === 0) await nextEvent(jobId ?? null, signal);
      }
    } finally {
      leave();
    }
  }

  function join(): void {
    followers += 1;
    if (followers > 1) return;
    floor = store.lastSeq();
    stopListening = store.onCommit(onCommit);
  }

  function leave(): void {
    followers -= 1;
    if (followers > 0) return;
    stopListening?.();
    stopListening = null;
    recent = [];
  }

  function take(after: number, jobId: string | undefined): JobEvent[] {
    if (after < floor) return store.listEvents({ after, jobId, limit: batch });
    return recent.filter((event) => event.seq > after && (jobId === undefined || event.jobId === jobId));
  }

  /** The writer is not held up: several commits in one turn of the event loop are read together, after it. */
  function onCommit(): void {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      if (followers > 0) advance();
    });
  }

  function advance(): void {
    for (;;) {
      const fresh = store.listEvents({ after: recent.at(-1)?.seq ?? floor, limit: batch });
      recent.push(...fresh);
      const dropped = recent.splice(0, Math.max(0, recent.length - batch));
      floor = dropped.at(-1)?.seq ?? floor;
      for (const jobId of new Set(fresh.map((event) => event.jobId))) wake(jobId);
      if (fresh.length > 0) wake(null);
      if (fresh.length < batch) return;
    }
  }

  function wake(key: string | null): void {
    const sleepers = waiting.get(key) ?? [];
    waiting.delete(key);
    for (const awaken of sleepers) awaken();
  }

  function nextEvent(key: string | null, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleepers = waiting.get(key) ?? new Set();
      waiting.set(key, sleepers);
      const awaken = () => {
        signal.removeEventListener('abort', awaken);
        sleepers.delete(awaken);
        if (sleepers.size === 0 && waiting.get(key) === sleepers) waiting.delete(key);
        resolve();
      };
      sleepers.add(awaken);
      signal.addEventListener('abort', awaken, { once: true });
    });
  }

  return {
    follow,
    /** How many follow now. */
    countFollowers: () => followers,
  };
}
