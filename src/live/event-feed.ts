/**
 * Live: what happens to jobs, while it happens.
 *
 * Owns: following the history after a sequence number, and reading a job's log from wherever it is.
 * May import: core, store, kube.
 * Never: keeps anything for a reader that does not take it; the table is the only queue.
 */
import type { JobEvent } from '../core/job.ts';
import type { Store } from '../store/store.ts';
import { ownTurn } from './own-turn.ts';

type Follow = { after: number; jobId?: string | undefined; signal: AbortSignal };

/** One who follows, at his own pace. */
export type EventReader = {
  /** What he has not taken yet, the oldest first and only so much at once; nothing where there is no more yet, or the signal has ended. */
  take: () => readonly JobEvent[];
  /** Resolves once there may be more to take; with false when the signal has ended. */
  news: () => Promise<boolean>;
  /** To be waited for after each take: where that was full, others are let in before the next one. While events come singly it costs nothing. */
  pause: () => Promise<void> | undefined;
  leave: () => void;
};

export type EventFeed = ReturnType<typeof createEventFeed>;

const batch = 500;

/**
 * Followers read the table from their own sequence number: first what is there already, then what is added, without gap or double.
 * The newest events are read once for all of them and shared; who is slower than that reads the table again.
 */
export function createEventFeed({ store }: { store: Pick<Store, 'listEvents' | 'lastSeq' | 'onCommit'> }) {
  /** How to wake those who follow a job, or (under null) all of them. */
  const wakers = new Map<string | null, Set<() => void>>();
  let followers = 0;
  let stopListening: (() => void) | null = null;
  /** All events after `floor` up to the newest that was read, at most `batch` of them. */
  let recent: JobEvent[] = [];
  let floor = 0;
  let isDue = false;

  /** Must be left in the end. While nothing comes, a reader costs nothing: there may be thousands, and an event is for all of them. */
  function open({ after, jobId, signal }: Follow): EventReader {
    const key = jobId ?? null;
    let seen = after;
    let isFull = false;
    let goesOn = !signal.aborted;
    let waiting: ((goesOn: boolean) => void) | null = null;

    function wake(): void {
      waiting?.(goesOn);
      waiting = null;
    }

    function end(): void {
      goesOn = false;
      wake();
    }

    join(key, wake);
    signal.addEventListener('abort', end);
    return {
      take() {
        if (!goesOn) return [];
        const events = listAfter(seen, jobId);
        seen = events.at(-1)?.seq ?? seen;
        isFull = events.length === batch;
        return events;
      },
      pause: () => (isFull ? ownTurn() : undefined),
      news: () => {
        if (!goesOn) return Promise.resolve(false);
        return new Promise((resolve) => {
          waiting = resolve;
        });
      },
      leave() {
        signal.removeEventListener('abort', end);
        leave(key, wake);
      },
    };
  }

  /** Ends with the signal. Never throws for it. */
  async function* follow(options: Follow): AsyncGenerator<JobEvent, void, undefined> {
    const reader = open(options);
    try {
      for (;;) {
        const events = reader.take();
        for (const event of events) {
          if (options.signal.aborted) return;
          yield event;
        }
        const others = reader.pause();
        if (others !== undefined) await others;
        if (events.length === 0 && !(await reader.news())) return;
      }
    } finally {
      reader.leave();
    }
  }

  function join(key: string | null, wake: () => void): void {
    wakers.set(key, (wakers.get(key) ?? new Set()).add(wake));
    followers += 1;
    if (followers > 1) return;
    floor = store.lastSeq();
    stopListening = store.onCommit(onCommit);
  }

  function leave(key: string | null, wake: () => void): void {
    const others = wakers.get(key);
    if (others?.delete(wake) !== true) return;
    if (others.size === 0) wakers.delete(key);
    followers -= 1;
    if (followers > 0) return;
    stopListening?.();
    stopListening = null;
    recent = [];
  }

  function listAfter(after: number, jobId: string | undefined): JobEvent[] {
    if (after < floor) return store.listEvents({ after, jobId, limit: batch });
    // From the end: most have taken all but the newest.
    const fresh = recent.slice(recent.findLastIndex(({ seq }) => seq <= after) + 1);
    return jobId === undefined ? fresh : fresh.filter((event) => event.jobId === jobId);
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
      for (const jobId of new Set(fresh.map((event) => event.jobId))) wakeAll(jobId);
      if (fresh.length > 0) wakeAll(null);
      if (fresh.length < batch) return;
    }
  }

  function wakeAll(key: string | null): void {
    for (const wake of wakers.get(key) ?? []) wake();
  }

  return {
    open,
    follow,
    /** How many follow now. */
    countFollowers: () => followers,
  };
}
