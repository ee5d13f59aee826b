import type { Job, Pod } from '../objects.ts';

type Policy = NonNullable<Job['spec']['podFailurePolicy']>;
type Rule = Policy['rules'][number];
type ExitCodes = NonNullable<Rule['onExitCodes']>;
type PodConditions = NonNullable<Rule['onPodConditions']>;

export type PolicyMatch = {
  action: string | undefined;
  /** Whether the failure counts towards backoffLimit or backoffLimitPerIndex. */
  counts: boolean;
  /** For FailJob: what the Job's condition then says. */
  failure?: string;
};

/** What the first matching rule says of a failed pod; without a policy or a match a failure simply counts. */
export function matchFailurePolicy(policy: Policy | undefined, pod: Pod): PolicyMatch {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const cause = findCause(rule, pod);
    if (cause === undefined) continue;
    const { action } = rule;
    const failure = `${cause} matching ${action} rule at index ${index}`;
    return { action, counts: action !== 'Ignore', ...(action === 'FailJob' ? { failure } : {}) };
  }
  return { action: undefined, counts: true };
}

function findCause({ onExitCodes, onPodConditions }: Rule, pod: Pod): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  if (onExitCodes) {
    const container = findContainer(onExitCodes, pod);
    return (
      container && `Container ${container.name} for pod ${name} failed with exit code ${container.exitCode}`
    );
  }
  const condition = findCondition(onPodConditions ?? [], pod);
  return condition && `Pod ${name} has condition ${condition}`;
}

/** The first container, before init containers, that ended with a code other than 0 which the rule names. */
function findContainer({ containerName, operator, values }: ExitCodes, pod: Pod) {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  for (const { name, state } of [...containerStatuses, ...initContainerStatuses]) {
    const exitCode = state?.terminated?.exitCode;
    if (exitCode === undefined || exitCode === 0) continue;
    if (containerName !== undefined && containerName !== name) continue;
    if (values.includes(exitCode) === (operator === 'In')) return { name, exitCode };
  }
  return undefined;
}

function findCondition(patterns: PodConditions, pod: Pod): string | undefined {
  for (const { type, status } of pod.status.conditions ?? []) {
    if (patterns.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status))
      return type;
  }
  return undefined;
}
