import type { Dice } from './dice.ts';
import type { FalseAnswer } from './false-answer.ts';

/** One request, as a rule sees it. `path` is what follows the server's address, `query` what follows the question mark. */
export type Call = {
  method: string;
  path: string;
  query: string;
  /** A stream that lasts: a watch, or a log that is followed. */
  isWatch: boolean;
  token: string | undefined;
};

export type Action =
  /** Before the request reaches the server: it does nothing. */
  | { kind: 'answer'; with: FalseAnswer }
  | { kind: 'reset' }
  | { kind: 'delay'; ms: number }
  | { kind: 'hold'; until: Promise<void> }
  /** After the server has done it. */
  | { kind: 'drop-answer' }
  | { kind: 'delay-answer'; ms: number }
  | { kind: 'answer-otherwise'; with: FalseAnswer }
  /** To a stream that lasts, after so many events or so long, whichever comes first. */
  | { kind: 'cut'; afterEvents?: number; afterMs?: number }
  | { kind: 'fall-silent'; afterEvents?: number; afterMs?: number }
  | { kind: 'error-event'; with: FalseAnswer; afterEvents?: number; afterMs?: number };

export type Rule = {
  /** Under which it is counted. */
  name: string;
  method?: 'GET' | 'POST' | 'DELETE';
  path: RegExp;
  query?: RegExp;
  /** Only watches, or only what is none; unless said, both. */
  watch?: boolean;
  /** Whoever shows this token is let through. */
  unlessToken?: string;
  /** Of the requests that match, so many are let through first, and so many are then hit; none and all unless said. */
  skip?: number;
  times?: number;
  /** Of those that are left, this part; all unless said. */
  chance?: number;
  action: Action;
};

export type Injected = {
  hits: () => number;
  remove: () => void;
};

/** Which request is hit by what. The first rule that wants it has it. */
export function createFaultRules(dice: Dice) {
  let rules: { rule: Rule; passed: number; hits: number }[] = [];
  const counts = new Map<string, number>();

  function count(name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  function isWanted(entry: { rule: Rule; passed: number; hits: number }, call: Call): boolean {
    if (!isMatch(entry.rule, call)) return false;
    const { skip = 0, times = Infinity, chance = 1 } = entry.rule;
    entry.passed += 1;
    return entry.passed > skip && entry.hits < times && (chance === 1 || dice.chance(chance));
  }

  function inject(rule: Rule): Injected {
    const entry = { rule, passed: 0, hits: 0 };
    rules.push(entry);
    return {
      hits: () => entry.hits,
      remove: () => {
        rules = rules.filter((one) => one !== entry);
      },
    };
  }

  return {
    inject,

    /** Takes all rules back. */
    calm: (): void => {
      rules = [];
    },

    find(call: Call): Action | undefined {
      const entry = rules.find((one) => isWanted(one, call));
      if (entry === undefined) return undefined;
      entry.hits += 1;
      count(entry.rule.name);
      return entry.rule.action;
    },

    count,
    /** How often each fault was injected, by name. */
    counts: (): ReadonlyMap<string, number> => counts,
  };
}

function isMatch({ method, path, query, watch, unlessToken }: Rule, call: Call): boolean {
  if (method !== undefined && method !== call.method) return false;
  if (watch !== undefined && watch !== call.isWatch) return false;
  if (query !== undefined && !query.test(call.query)) return false;
  if (unlessToken !== undefined && unlessToken === call.token) return false;
  return path.test(call.path);
}
