import type { Finding } from './reckoning.ts';

export type Plays = {
  first: Promise<Finding[]>;
  again: () => Promise<Finding[]>;
  /** Done when nothing else plays: the later plays begin then. */
  quiet: Promise<unknown>;
};

const mostPlays = 3;

/**
 * Plays until no finding is left that each play made, at most three times; returns those that are left. A cluster that
 * does otherwise does so each time; a machine that stalls, and so asks too late, does not. What one play differed in
 * is told in any case, so that a race which is lost now and then does not go unseen.
 */
export async function playUntilSure(
  title: string,
  { first, again, quiet }: Plays,
  tell: (line: string) => void,
): Promise<Finding[]> {
  let left: Finding[] | undefined;
  let fault: unknown;
  for (let plays = 1; plays <= mostPlays; plays += 1) {
    if (plays === 2) await quiet;
    try {
      const found = await (plays === 1 ? first : again());
      const places = new Set(found.map(({ at }) => at));
      left = (left ?? found).filter(({ at }) => places.has(at));
      if (left.length === 0) return [];
      tell(`conformance: ${title} differed in play ${plays}: ${[...places].join('; ')}\n`);
    } catch (error) {
      fault = error;
      tell(`conformance: ${title} broke off in play ${plays}: ${String(error)}\n`);
    }
  }
  if (left === undefined) throw fault;
  return left;
}
