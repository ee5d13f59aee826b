import { differenceTables, type Tables } from './known-differences.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { Json } from './json.ts';
import type { VoiceName } from './voice.ts';

/** A place where the cluster under test did not do as recorded. */
export type Finding = { at: string; recorded: Json | undefined; actual: Json | undefined };

/** Sorts findings into known and new ones, and remembers which entries of the tables were of use. */
export type Reckoning = {
  skips(recording: string, step: number): boolean;
  /** Whether plain HTTP makes the request in the voice's place. */
  leavesUnsaid(recording: string, step: number): boolean;
  skipsCommand(title: string): boolean;
  /** The findings that no table explains. */
  unexplained(findings: Finding[]): Finding[];
  /** Entries of the tables about these recordings that no longer match anything. */
  stale(recordings: string[]): string[];
};

export function createReckoning(
  kind: ClusterUnderTest['kind'],
  voice: VoiceName = 'plain HTTP',
  tables: Tables = differenceTables,
): Reckoning {
  const used = new Set<string>();
  const use = (mark: string): true => {
    used.add(mark);
    return true;
  };
  const applies = ({ only }: { only?: 'local' }) => only === undefined || only === kind;
  // A real cluster has no leave to differ, only to be slower or quicker than the recorder's.
  const excuses = tables.differences
    .filter(({ chance }) => chance || kind === 'local')
    .flatMap(({ recordings, at, why, chance }) => {
      // What a voice does not tell, it does not tell to differ either: plain HTTP finds out what has become untrue.
      const mayBeIdle = chance === true || voice !== 'plain HTTP';
      return recordings.flatMap((recording) =>
        at.map((place) => ({ recording, place, mayBeIdle, mark: `${recording} ${place.source}: ${why}` })),
      );
    });
  const leftOut = tables.steps
    .filter(applies)
    .flatMap(({ recording, steps, why }) =>
      steps.map((step) => ({ recording, step, mark: `${recording}#${step}: ${why}` })),
    );
  const unsaid = tables.unsaid
    .filter(({ voices }) => voices.includes(voice))
    .flatMap(({ requests }) =>
      Object.entries(requests).flatMap(([recording, steps]) => steps.map((step) => ({ recording, step }))),
    );
  const untyped = tables.commands
    .filter(applies)
    .map(({ titles, why }) => ({ recording: 'kubectl', titles, mark: `kubectl ${titles.source}: ${why}` }));

  const isKnown = ({ at }: Finding): boolean =>
    excuses.filter(({ recording, place, mark }) => at.startsWith(recording) && place.test(at) && use(mark))
      .length > 0;

  return {
    skips: (name, index) =>
      leftOut.some(({ recording, step, mark }) => recording === name && step === index && use(mark)),
    leavesUnsaid: (name, index) => unsaid.some(({ recording, step }) => recording === name && step === index),
    skipsCommand: (title) => untyped.some(({ titles, mark }) => titles.test(title) && use(mark)),
    unexplained: (findings) => findings.filter((finding) => !isKnown(finding)),
    stale: (names) =>
      [...excuses.filter(({ mayBeIdle }) => !mayBeIdle), ...leftOut, ...untyped]
        .filter(({ recording, mark }) => names.includes(recording) && !used.has(mark))
        .map(({ mark }) => mark),
  };
}

/** Findings as lines for people; nothing when there are none. */
export const printFindings = (findings: Finding[]): string =>
  findings
    .map(
      ({ at, recorded, actual }) =>
        `${at}\n    recorded: ${shorten(recorded)}\n    actual:   ${shorten(actual)}`,
    )
    .join('\n');

function shorten(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 600 ? `${text.slice(0, 600)} ...` : text;
}
