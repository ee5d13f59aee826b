/** Keys that wait for their turn; one that is added twice before it comes gets one turn. */
export type WorkQueue = {
  add: (key: string) => void;
  /** The earliest of several wake-ups of one key holds, until its next turn. */
  addAfter: (key: string, delayMs: number) => void;
  /** Resolves after the turn that the key waits for, even one that throws; at once when it waits for none. */
  untilTurn: (key: string) => Promise<void>;
  stop: () => void;
};

export type WorkQueueOptions = {
  /** One turn. A key whose turn throws is tried again, ever later. */
  work: (key: string) => void;
  onError: (error: unknown, key: string) => void;
};

/** Timers fire at once when asked for more than this; a key that wakes too early just waits again. */
const longestTimerMs = 2 ** 31 - 1;
const firstRetryMs = 1_000;
const lastRetryMs = 60_000;
/** How long a round of the event loop is held up, if no single turn takes longer. */
const sliceMs = 10;

/**
 * In each round of the event loop those that wait get their turns, as many as fit into a slice of time: changes that
 * come together are worked on together, and HTTP is served in between. With one turn per round a busy machine, whose
 * rounds are long, would be seconds behind. Timers never keep the process alive.
 */
export function createWorkQueue({ work, onError }: WorkQueueOptions): WorkQueue {
  const waiting = new Set<string>();
  const alarms = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  const failures = new Map<string, number>();
  const turns = new Map<string, PromiseWithResolvers<void>>();
  let round: NodeJS.Immediate | undefined;
  let stopped = false;

  function clearAlarm(key: string): void {
    clearTimeout(alarms.get(key)?.timer);
    alarms.delete(key);
  }

  function endTurn(key: string): void {
    turns.get(key)?.resolve();
    turns.delete(key);
  }

  function takeTurn(key: string): void {
    waiting.delete(key);
    clearAlarm(key);
    try {
      work(key);
      failures.delete(key);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      onError(error, key);
      addAfter(key, Math.min(firstRetryMs * 2 ** count, lastRetryMs));
    }
    endTurn(key);
  }

  function takeTurns(): void {
    round = undefined;
    const end = performance.now() + sliceMs;
    // What is added by a turn waits for the next round, in which more may have been added.
    for (const key of Array.from(waiting)) {
      takeTurn(key);
      if (stopped || performance.now() >= end) break;
    }
    schedule();
  }

  function schedule(): void {
    if (!stopped && waiting.size > 0) round ??= setImmediate(takeTurns);
  }

  function add(key: string): void {
    waiting.add(key);
    schedule();
  }

  function addAfter(key: string, delayMs: number): void {
    if (stopped) return;
    const at = Date.now() + delayMs;
    const alarm = alarms.get(key);
    if (alarm && alarm.at <= at) return;
    clearAlarm(key);
    const timer = setTimeout(() => add(key), Math.min(Math.ceil(delayMs), longestTimerMs)).unref();
    alarms.set(key, { at, timer });
  }

  function untilTurn(key: string): Promise<void> {
    if (!waiting.has(key)) return Promise.resolve();
    const turn = turns.get(key) ?? Promise.withResolvers<void>();
    turns.set(key, turn);
    return turn.promise;
  }

  function stop(): void {
    stopped = true;
    clearImmediate(round);
    for (const { timer } of alarms.values()) clearTimeout(timer);
    alarms.clear();
    waiting.clear();
    for (const key of turns.keys()) endTurn(key);
  }

  return { add, addAfter, untilTurn, stop };
}
