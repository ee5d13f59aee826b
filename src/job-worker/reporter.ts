import { setTimeout as sleep } from 'node:timers/promises';
import type { Deliver } from './delivery.ts';
import type { Words } from './words.ts';

const claimMs = 30_000;
const progressMs = 30_000;
const outcomeMs = 60_000;

/**
 * Two reports of progress lie at least this far apart: a command that prints a thousand lines a second is no reason to
 * call a thousand times.
 */
const spacingMs = 500;

export type Reporter = {
  /** The first report. false: another pod holds the claim, and the work must not run. An undelivered claim is true. */
  claim: (words: Words, signal: AbortSignal) => Promise<boolean>;
  /** Progress. Returns at once; what is overtaken by newer words before it is sent is dropped. */
  tell: (words: Words) => void;
  /** The terminal report, after which nothing is sent. Resolves when it is delivered or its time is over. */
  finish: (outcome: Words) => Promise<void>;
};

/**
 * Keeps reports in order: one is under way at a time. An undelivered one is complained about and never more than that.
 */
export function createReporter(deliver: Deliver, complain: (sentence: string) => void): Reporter {
  const ended = new AbortController();
  let waiting: Words | null = null;
  let sending: Promise<void> | null = null;
  let complaint = '';

  async function send(take: () => Words, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const delivery = await deliver(take, { withinMs, signal });
    const said = delivery.outcome === 'dropped' ? `A report was not delivered: ${delivery.why}.` : '';
    // Said again only when it changes; what the end overtook is not worth a word.
    if (said !== '' && said !== complaint && !signal?.aborted) complain(said);
    complaint = said;
    return delivery.outcome !== 'conflict';
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
      await send(take, progressMs, ended.signal);
      await sleep(spacingMs, undefined, { signal: ended.signal }).catch(() => undefined);
      words = waiting;
    }
    sending = null;
  }

  return {
    claim: (words, signal) => send(() => words, claimMs, signal),
    tell: (words) => {
      waiting = words;
      sending ??= sendWaiting();
    },
    finish: async (words) => {
      ended.abort();
      await sending;
      const accepted = await send(() => words, outcomeMs);
      if (!accepted)
        complain('The outcome was refused: the job has ended otherwise, or another pod holds the claim.');
    },
  };
}
