/** What may come of one try to dispatch a job. The create's own words, and what was found when the cluster was asked instead. */
const dispatchOutcomes = [
  'created',
  /** Our Job was there already: an answer was lost, or could not be stored. */
  'adopted',
  /** Somebody else's object had the name. */
  'renamed',
  'refused',
  'lost',
  /** It was found never to have been sent, and waits for its turn. */
  'released',
  'quota',
  'quota-race',
  'slow-down',
  'forbidden',
  'no-namespace',
  'policy-fault',
  /** There was no connection. */
  'unsent',
  'unknown',
  /** It broke off on our own side, or the cluster could not be asked. */
  'failed',
] as const;

export type DispatchOutcome = (typeof dispatchOutcomes)[number];

/** Counts tries by outcome; those that never came about stand at 0. */
export function createDispatchTally() {
  const counts = new Map<string, number>(dispatchOutcomes.map((outcome) => [outcome, 0]));
  return {
    add: (outcome: DispatchOutcome) => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
    counts: (): Record<string, number> => Object.fromEntries(counts),
  };
}
