import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Ledger } from './ledger.ts';

const answerSchema = z.object({ id: z.string() });

/** How a client may make a request that it can repeat. `bare`: it cannot, and says so by not repeating it. */
export type Handle = 'key' | 'id' | 'bare';

export type Wish = {
  outcome: 'SUCCEEDED' | 'FAILED';
  handle: Handle;
  /** Through our worker, which reports, or as a program that knows nothing of us. */
  speaks?: boolean;
  seconds?: number;
  /** Further fields of the request. */
  fields?: Record<string, unknown>;
};

/** What was asked for, and what came of it as far as the client knows. */
export type Asked = Required<Pick<Wish, 'outcome' | 'handle'>> & {
  number: number;
  name: string;
  /** The job ids of all 202s, in order. */
  answers: string[];
  tries: number;
};

const patienceMs = 60_000;

/** A program that wants jobs done, keeps what it was promised, and repeats what was not answered. */
export function createClient({ url, ledger }: { url: string; ledger: Ledger }) {
  const asked: Asked[] = [];

  /** Resolves once there is an answer, or (for a bare request) once it is clear that there will be none. */
  async function submit(wish: Wish): Promise<Asked> {
    const entry = enter(wish);
    const send = () => post(entry, toRequest(entry, wish));
    const deadline = performance.now() + patienceMs;
    for (;;) {
      entry.tries += 1;
      const id = await send();
      if (id !== undefined) {
        entry.answers.push(id);
        return entry;
      }
      if (entry.handle === 'bare') return entry;
      if (performance.now() > deadline) throw new Error(`${entry.name} was not answered in ${patienceMs} ms`);
      await delay(50);
    }
  }

  /** Says the same once more, as a client does that has lost its answer. */
  async function repeat(entry: Asked, wish: Wish): Promise<void> {
    const id = await post(entry, toRequest(entry, wish));
    if (id !== undefined) entry.answers.push(id);
  }

  function enter({ outcome, handle }: Wish): Asked {
    const number = asked.length + 1;
    const entry = { number, name: `order ${number}`, outcome, handle, answers: [], tries: 0 };
    asked.push(entry);
    return entry;
  }

  function toRequest({ number, name, outcome, handle }: Asked, wish: Wish): Record<string, unknown> {
    const { seconds = 0, speaks = false, fields } = wish;
    const script = ledger.script(number, { seconds, exitCode: outcome === 'SUCCEEDED' ? 0 : 3 });
    const program = ['sh', '-c', script];
    return {
      name,
      ...(speaks ? { args: ['exec', '--', ...program] } : { command: program }),
      ...(handle === 'id' ? { id: `order-${number}` } : {}),
      ...fields,
    };
  }

  /** Undefined where nobody knows whether it was accepted. Throws for an answer that is neither yes nor "later". */
  async function post(
    { number, handle }: Asked,
    request: Record<string, unknown>,
  ): Promise<string | undefined> {
    try {
      const answer = await fetch(`${url}/api/v1/jobs`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(handle === 'key' ? { 'idempotency-key': `order-${number}` } : {}),
        },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(5000),
      });
      const text = await answer.text();
      if (answer.status === 202) return answerSchema.parse(JSON.parse(text)).id;
      if (answer.status === 503) return undefined;
      throw new Refused(`${answer.status}: ${text}`);
    } catch (error) {
      if (error instanceof Refused) throw error;
      return undefined;
    }
  }

  return { submit, repeat, asked };
}

class Refused extends Error {}
