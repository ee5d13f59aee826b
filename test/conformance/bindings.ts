import { mapStrings, type Json } from './json.ts';

/**
 * What the recorder's cluster chose (uids, generated names, resourceVersions) and what the cluster under test chose
 * in its place. One recorded token always stands for one actual token, which is how the suite sees that, say, a
 * patch without effect keeps the resourceVersion.
 */
export type Bindings = {
  /** False when the recorded token already stands for another one. */
  learn(recorded: string, actual: string): boolean;
  /** As learn, for tokens of which only the newest counts (a list's resourceVersion, a continue token). */
  relearn(recorded: string, actual: string): void;
  find(recorded: string): string | undefined;
  /** Puts actual tokens in the place of all known recorded ones. */
  translate(text: string): string;
  translateAll(value: Json): Json;
};

/** Runs of these characters are looked up as a whole; so the token `there` is not found inside `thereof`. */
const token = /[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*/g;

export function createBindings(): Bindings {
  const known = new Map<string, string>();
  const translate = (text: string): string =>
    known.get(text) ??
    text.replace(
      token,
      (word) => known.get(word) ?? word.replace(/[A-Za-z0-9-]+/g, (part) => known.get(part) ?? part),
    );
  return {
    learn(recorded, actual) {
      const before = known.get(recorded);
      if (before === undefined) known.set(recorded, actual);
      return before === undefined || before === actual;
    },
    relearn: (recorded, actual) => void known.set(recorded, actual),
    find: (recorded) => known.get(recorded),
    translate,
    translateAll: (value) => mapStrings(value, translate),
  };
}
