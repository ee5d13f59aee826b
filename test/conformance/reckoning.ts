import { knownDifferences, skippedSteps, type KnownDifference, type SkippedStep } from './known-differences.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { Json } from './json.ts';

/** A place where the cluster under test did not do as recorded. */
export type Finding = { at: string; recorded: Json | undefined; actual: Json | undefined };

/** Sorts findings into known and new ones, and remembers which entries of the tables were of use. */
export type Reckoning = {
  skips(recording: string, step: number): boolean;
  /** The findings that no table explains, as readable lines. */
  unexplained(findings: Finding[]): string[];
  /** Entries of the tables about these recordings that no longer match anything. */
  stale(recordings: string[]): string[];
};

export function createReckoning(
  kind: ClusterUnderTest['kind'],
  differences: KnownDifference[] = knownDifferences,
  skips: SkippedStep[] = skippedSteps,
): Reckoning {
  const used = new Set<KnownDifference | SkippedStep>();
  const applies = (entry: SkippedStep) => entry.only === undefined || entry.only === kind;

  return {
    skips(recording, step) {
      const entry = skips.find((skip) => skip.recording === recording && skip.steps.includes(step) && applies(skip));
      if (entry) used.add(entry);
      return entry !== undefined;
    },
    unexplained(findings) {
      // On a real cluster nothing is known beforehand: every difference is news.
      if (kind === 'real') return findings.map(printFinding);
      return findings
        .filter(({ at }) => {
          const known = differences.filter((difference) => difference.at.test(at));
          for (const entry of known) used.add(entry);
          return known.length === 0;
        })
        .map(printFinding);
    },
    stale(recordings) {
      if (kind === 'real') return [];
      const concerns = (entry: KnownDifference | SkippedStep) =>
        'at' in entry
          ? recordings.some((name) => entry.at.source.startsWith(`^${name.slice(0, 2)}`))
          : recordings.includes(entry.recording);
      return [...differences, ...skips]
        .filter((entry) => concerns(entry) && !used.has(entry))
        .map((entry) => `no longer true: ${'at' in entry ? entry.at : `${entry.recording} ${entry.steps}`} (${entry.why})`);
    },
  };
}

const printFinding = ({ at, recorded, actual }: Finding): string =>
  `${at}\n    recorded: ${shorten(recorded)}\n    actual:   ${shorten(actual)}`;

function shorten(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 600 ? `${text.slice(0, 600)} ...` : text;
}
