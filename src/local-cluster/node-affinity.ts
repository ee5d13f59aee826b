import type { V1NodeSelectorRequirement, V1NodeSelectorTerm } from '@kubernetes/client-node';
import { findOwn } from './api/json.ts';
import type { Pod, Wire } from './objects.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether nodeSelector and the required node affinity let the pod run on a node with these labels; if not, why. */
export function findAffinityFault({ spec }: Pod, labels: Labels): string | undefined {
  const selected = Object.entries(spec.nodeSelector ?? {}).every(
    ([key, value]) => findOwn(labels, key) === value,
  );
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  // Pods of an older version may have no terms, which were not asked for.
  const terms = required?.nodeSelectorTerms ?? [];
  const allowed = required === undefined || terms.some((term) => matchesTerm(term, labels));
  return selected && allowed ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

/** A term without any requirement matches no node. */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: Wire<V1NodeSelectorTerm>,
  labels: Labels,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { 'metadata.name': labels['kubernetes.io/hostname'] ?? '' };
  return (
    matchExpressions.every((requirement) => matches(requirement, labels)) &&
    matchFields.every((requirement) => matches(requirement, fields))
  );
}

function matches({ key, operator, values = [] }: Wire<V1NodeSelectorRequirement>, labels: Labels): boolean {
  const value = findOwn(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}
