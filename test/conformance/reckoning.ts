import { differenceTables, type SkippedCommand, type SkippedStep, type Tables } from './known-differences.ts';
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
  const met = new Set<string>();
  const use = <T extends SkippedStep | SkippedCommand>(
    entries: T[],
    matches: (entry: T) => boolean,
  ): boolean => {
    const entry = entries.find((one) => matches(one) && (one.only === undefined || one.only === kind));
    if (entry) used.add(entry);
    return entry !== undefined;
  };
  const isKnown = ({ at }: Finding): boolean => {
    // A real cluster has no leave to differ, only to be slower or quicker than the recorder's.
    const known = tables.differences.filter(
      ({ at: place, recordings, chance = false }) =>
        (chance || kind === 'local') && place.test(at) && recordings.some((name) => at.startsWith(name)),
    );
    for (const entry of known)
      for (const name of entry.recordings) if (at.startsWith(name)) met.add(`${entry.at.source} ${name}`);
    return known.length > 0;
  };

  return {
    skips: (recording, step) =>
      use(tables.steps, (skip) => skip.recording === recording && skip.steps.includes(step)),
    skipsCommand: (title) => use(tables.commands, ({ titles }) => titles.test(title)),
    unexplained: (findings) => findings.filter((finding) => !isKnown(finding)).map(printFinding),
    stale(recordings) {
      if (kind === 'real') return [];
      const ours = (name: string) => recordings.includes(name);
      const differences = tables.differences
        .filter(({ chance }) => !chance)
        .flatMap(({ at, why, recordings: names }) =>
          names
            .filter((name) => ours(name) && !met.has(`${at.source} ${name}`))
            .map((name) => `${name} ${at.source}: ${why}`),
        );
      const steps = tables.steps.filter((entry) => ours(entry.recording) && !used.has(entry));
      const commands = tables.commands.filter((entry) => ours('kubectl') && !used.has(entry));
      return [
        ...differences,
        ...steps.map(({ recording, why }) => `${recording}: ${why}`),
        ...commands.map(({ titles, why }) => `kubectl ${titles.source}: ${why}`),
      ];
    },
  };
}

const printFinding = ({ at, recorded, actual }: Finding): string =>
  `${at}\n    recorded: ${shorten(recorded)}\n    actual:   ${shorten(actual)}`;

function shorten(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 600 ? `${text.slice(0, 600)} ...` : text;
}
