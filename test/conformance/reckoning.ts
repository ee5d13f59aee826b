import {
  differenceTables,
  type KnownDifference,
  type SkippedCommand,
  type SkippedStep,
  type Tables,
} from './known-differences.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { Json } from './json.ts';

/** A place where the cluster under test did not do as recorded. */
export type Finding = { at: string; recorded: Json | undefined; actual: Json | undefined };

/** Sorts findings into known and new ones, and remembers which entries of the tables were of use. */
export type Reckoning = {
  skips(recording: string, step: number): boolean;
  skipsCommand(title: string): boolean;
  /** The findings that no table explains, as readable lines. */
  unexplained(findings: Finding[]): string[];
  /** Entries of the tables about these recordings that no longer match anything. */
  stale(recordings: string[]): string[];
};

export function createReckoning(
  kind: ClusterUnderTest['kind'],
  tables: Tables = differenceTables,
): Reckoning {
  const used = new Set<object>();
  const use = <T extends SkippedStep | SkippedCommand>(
    entries: T[],
    matches: (entry: T) => boolean,
  ): boolean => {
    const entry = entries.find((one) => matches(one) && (one.only === undefined || one.only === kind));
    if (entry) used.add(entry);
    return entry !== undefined;
  };
  const isKnown = ({ at }: Finding): boolean => {
    const known = tables.differences.filter((difference) => difference.at.test(at));
    for (const entry of known) used.add(entry);
    return known.length > 0;
  };

  return {
    skips: (recording, step) =>
      use(tables.steps, (skip) => skip.recording === recording && skip.steps.includes(step)),
    skipsCommand: (title) => use(tables.commands, ({ titles }) => titles.test(title)),
    // On a real cluster nothing is known beforehand: every difference is news.
    unexplained: (findings) =>
      findings.filter((finding) => kind === 'real' || !isKnown(finding)).map(printFinding),
    stale(recordings) {
      if (kind === 'real') return [];
      const all = [...tables.differences, ...tables.steps, ...tables.commands];
      return all
        .filter((entry) => recordings.includes(recordingOf(entry)) && !used.has(entry))
        .map(
          (entry) => `no longer true: ${JSON.stringify({ ...entry, at: 'at' in entry && entry.at.source })}`,
        );
    },
  };
}

/** The patterns of differences begin with `^` and the recording's whole name, or `^kubectl`. */
function recordingOf(entry: KnownDifference | SkippedStep | SkippedCommand): string {
  if ('titles' in entry) return 'kubectl';
  return 'at' in entry ? (/^\^([a-z0-9-]+)/.exec(entry.at.source)?.[1] ?? '') : entry.recording;
}

const printFinding = ({ at, recorded, actual }: Finding): string =>
  `${at}\n    recorded: ${shorten(recorded)}\n    actual:   ${shorten(actual)}`;

function shorten(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 600 ? `${text.slice(0, 600)} ...` : text;
}
