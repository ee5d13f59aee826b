import type { CreateOutcome } from '../kube/create-outcome.ts';
import type { Hold } from './pacing.ts';

/** Outcomes that are nothing about the job: it waits, and the others with it. */
export type Waiting = Exclude<CreateOutcome, { kind: 'created' | 'already-exists' | 'refused' }>;

type Wording = { reason: string; explain: (context: { said: string; namespace: string }) => string };

/** What waiting jobs show, and what the log tells. */
const wordings: Record<Waiting['kind'] | 'unsent', Wording> = {
  unsent: {
    reason: 'ClusterUnreachable',
    explain: ({ said }) => `The cluster cannot be reached: ${said}.`,
  },
  unknown: {
    reason: 'ClusterUnreachable',
    explain: ({ said }) => `The cluster gave no clear answer to a create: ${said}.`,
  },
  'slow-down': {
    reason: 'TooManyRequests',
    explain: () => 'The cluster asked us to wait before the next create.',
  },
  'quota-race': {
    reason: 'QuotaConflict',
    explain: () => "Another create changed the namespace's quota at the same moment; ours is tried again.",
  },
  quota: {
    reason: 'QuotaExceeded',
    explain: ({ said }) => `The namespace's quota is full; the job is created when there is room: ${said}`,
  },
  forbidden: {
    reason: 'Forbidden',
    explain: ({ said, namespace }) => `We lack the right to create Jobs in ${namespace}: ${said}`,
  },
  'no-namespace': {
    reason: 'NamespaceMissing',
    explain: ({ said, namespace }) => `The namespace ${namespace} cannot take Jobs: ${said}`,
  },
  'policy-fault': {
    reason: 'PolicyFault',
    explain: ({ said }) =>
      `The admission policy of the cluster refuses every Job, since its own parameters are not in order: ${said}`,
  },
};

/** Every reason there is, for whoever shows which one holds. */
export const holdReasons = [...new Set(Object.values(wordings).map(({ reason }) => reason))];

/** Holds that do not pass by themselves. */
const forPeople = new Set(['Forbidden', 'NamespaceMissing', 'PolicyFault']);

export function toHold(outcome: Waiting, namespace: string): Hold {
  const isUnsent = outcome.kind === 'unknown' && !outcome.sent;
  const { reason, explain } = wordings[isUnsent ? 'unsent' : outcome.kind];
  const said = 'message' in outcome ? outcome.message : '';
  return { reason, explanation: explain({ said, namespace }) };
}

/** The cluster could not follow, where a full quota or a want of rights is nothing that fewer creates at once would mend. */
export function isOvertaxed({ kind }: Waiting): boolean {
  return kind === 'slow-down' || kind === 'quota-race' || kind === 'unknown';
}

export function needsPeople({ reason }: Hold): boolean {
  return forPeople.has(reason);
}
