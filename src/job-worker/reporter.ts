import { setTimeout as sleep } from 'node:timers/promises';
import type { Deliver, Delivery, Limits } from './delivery.ts';
import type { Words } from './words.ts';

const claimMs = 30_000;
const progressMs = 30_000;
const outcomeMs = 60_000;

/**
 * What the outcome gets once the worker is told to stop; its last attempt may take a second more. The local cluster kills
 * 3 s after SIGTERM when it stops itself, and a node that goes away may be as hurried.
 */
const stoppedMs = 1500;

/**
 * Two reports of progress lie at least this far apart: a command that prints a thousand lines a second is no reason to
 * call a thousand times.
 */
const spacingMs = 500;

export type Reporter = {
  /** The first report. false: another pod holds the claim, and the work must not run. An undelivered claim is true. */
  claim: (words: Words, stop: AbortSignal) => Promise<boolean>;
  /** Progress. Returns at once; what is overtaken by newer words before it is sent is dropped. */
  tell: (words: Words) => void;
  /** The terminal report, after which nothing is sent. Resolves when it is delivered or its time is over, soon after a stop. */
  finish: (outcome: Words, stop: AbortSignal) => Promise<void>;
};

/**
 * Keeps reports in order: one is under way at a time. An undelivered one is complained about and never more than that.
 * `stop` is aborted when the worker is told to stop: from then on nobody waits for a slow service.
 */
export function createReporter(deliver: Deliver, complain: (sentence: string) => void): Reporter {
  const ended = new AbortController();
  const hurried = new AbortController();
  let waiting: Words | null = null;
  let sending: Promise<void> | null = null;
  let complaint = '';

  const hurry = (): void => hurried.abort();

  async function send(take: () => Words, limits: Limits): Promise<Delivery['outcome']> {
    const delivery = await deliver(take, limits);
    const said = delivery.outcome === 'dropped' ? `A report was not delivered: ${delivery.why}.` : '';
    // Said again only when it changes; what the end or a stop overtook is not worth a word.
    if (limits.signal?.aborted || limits.cut?.aborted) return delivery.outcome;
    if (said !== '' && said !== complaint) complain(said);
    complaint = said;
    return delivery.outcome;
  }

  async function sendWaiting(): Promise<void> {
    let words = waiting;
    while (words !== null && !ended.signal.aborted) {
      let newest = words;
      const take = (): Words => {
        newest = waiting ?? newest;
        waiting = null;
        return newest;
      };
      await send(take, { withinMs: progressMs, signal: ended.signal, cut: hurried.signal });
      await sleep(spacingMs, undefined, { signal: ended.signal }).catch(() => undefined);
      words = waiting;
    }
    sending = null;
  }

  return {
    claim: async (words, stop) => (await send(() => words, { withinMs: claimMs, cut: stop })) !== 'conflict',
    tell: (words) => {
      waiting = words;
      sending ??= sendWaiting();
    },
    finish: async (words, stop) => {
      ended.abort();
      if (stop.aborted) hurry();
      else stop.addEventListener('abort', hurry, { once: true });
      await sending;
      let outcome = await send(() => words, { withinMs: outcomeMs, cut: stop });
      // Anew and not on: the pause that the stop cut short may have been a long one.
      if (outcome === 'dropped' && stop.aborted) outcome = await send(() => words, { withinMs: stoppedMs });
      if (outcome === 'conflict')
        complain('The outcome was refused: the job has ended otherwise, or another pod holds the claim.');
    },
  };
}
