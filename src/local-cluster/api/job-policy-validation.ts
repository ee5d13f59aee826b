import type { V1JobSpec, V1PodFailurePolicyRule, V1SuccessPolicyRule } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, invalidRule, invalidValue, notSupported, required } from './field-errors.ts';
import { toGoSuccessPolicy } from './go-values.ts';
import { labelKeyFaults } from './label-syntax.ts';

type JobSpec = Wire<V1JobSpec>;
type FailureRule = Wire<V1PodFailurePolicyRule>;

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const maxRules = 20;

const validValues = (options: readonly string[]) =>
  `valid values: [${options.map((option) => JSON.stringify(option)).join(' ')}]`;

const tooMany = (field: string, count: number, limit: number): FieldError => ({
  type: 'TooMany',
  field,
  detail: `${count}: must have at most ${limit} items`,
});

function exitCodeFaults(
  { onExitCodes }: FailureRule,
  field: string,
  containers: ReadonlySet<string>,
): FieldError[] {
  if (onExitCodes === undefined) return [];
  const { operator, containerName, values } = onExitCodes;
  const faults: FieldError[] = [];
  if (!operator) faults.push(required(`${field}.operator`, validValues(operators)));
  else if (!operators.includes(operator)) faults.push(notSupported(`${field}.operator`, operator, operators));
  if (containerName !== undefined && !containers.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    faults.push(invalidValue(`${field}.containerName`, containerName, detail));
  }
  const list = values ?? [];
  if (list.length === 0) faults.push(invalidValue(`${field}.values`, list, 'at least one value is required'));
  else if (list.length > 255) faults.push(tooMany(`${field}.values`, list.length, 255));
  const seen = new Set<number>();
  for (const [index, value] of list.entries()) {
    if (operator === 'In' && value === 0) {
      faults.push(invalidValue(`${field}.values[${index}]`, value, 'must not be 0 for the In operator'));
    }
    if (seen.has(value)) faults.push(duplicate(`${field}.values[${index}]`, value));
    seen.add(value);
  }
  const isOrdered = list.every((value, index) => index === 0 || (list[index - 1] ?? value) <= value);
  if (!isOrdered) faults.push(invalidValue(`${field}.values`, list, 'must be ordered'));
  return faults;
}

function podConditionFaults({ onPodConditions }: FailureRule, field: string): FieldError[] {
  const statuses = ['False', 'True', 'Unknown'];
  const conditions = onPodConditions ?? [];
  const excess = conditions.length > maxRules ? [tooMany(field, conditions.length, maxRules)] : [];
  const faults = conditions.flatMap(({ type, status }, index) => {
    const at = `${field}[${index}]`;
    return [
      ...labelKeyFaults(type ?? '').map((fault) => invalidValue(`${at}.type`, type ?? '', fault)),
      ...(status === undefined || statuses.includes(status)
        ? []
        : [notSupported(`${at}.status`, status, statuses)]),
    ];
  });
  return [...excess, ...faults];
}

function failureRuleFaults(
  spec: JobSpec,
  rule: FailureRule,
  field: string,
  containers: ReadonlySet<string>,
): FieldError[] {
  const { action, onExitCodes } = rule;
  const faults: FieldError[] = [];
  if (!action) faults.push(required(`${field}.action`, validValues(actions)));
  else if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    faults.push(invalidValue(`${field}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  } else if (!actions.includes(action)) faults.push(notSupported(`${field}.action`, action, actions));
  faults.push(...exitCodeFaults(rule, `${field}.onExitCodes`, containers));
  faults.push(...podConditionFaults(rule, `${field}.onPodConditions`));
  const hasConditions = (rule.onPodConditions ?? []).length > 0;
  if (onExitCodes !== undefined && hasConditions) {
    faults.push(invalidRule(field, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  }
  if (onExitCodes === undefined && !hasConditions) {
    faults.push(invalidRule(field, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  return faults;
}

export function podFailurePolicyFaults(spec: JobSpec, field: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const template = spec.template.spec;
  const containers = new Set(
    [...(template?.initContainers ?? []), ...(template?.containers ?? [])].map(({ name }) => name),
  );
  return [
    ...(rules.length > maxRules ? [tooMany(`${field}.rules`, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, index) => failureRuleFaults(spec, rule, `${field}.rules[${index}]`, containers)),
  ];
}

/** Counts the indexes of a list such as `0,2-4`. Throws Error in Kubernetes' words. */
function countIndexes(text: string, completions: number): number {
  let count = 0;
  let last = -1;
  for (const range of text.split(',')) {
    const [first = '', second = first, ...more] = range.split('-');
    if (more.length > 0) throw new Error(`cannot parse integer for index: "${range}"`);
    for (const part of [first, second]) {
      if (!/^\d+$/.test(part)) throw new Error(`cannot convert string to integer for index: "${part}"`);
      if (Number(part) >= completions) throw new Error(`too large index: "${part}"`);
    }
    if (Number(first) <= last) throw new Error(`non-increasing order, previous: ${last}, current: ${first}`);
    if (Number(second) < Number(first) || (range.includes('-') && Number(second) === Number(first))) {
      throw new Error(`non-increasing order, previous: ${first}, current: ${second}`);
    }
    count += Number(second) - Number(first) + 1;
    last = Number(second);
  }
  return count;
}

function successRuleFaults(
  rule: Wire<V1SuccessPolicyRule>,
  completions: number,
  field: string,
): FieldError[] {
  const { succeededIndexes, succeededCount } = rule;
  const faults: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) {
    faults.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  let total = 0;
  if (succeededIndexes !== undefined) {
    try {
      total = countIndexes(succeededIndexes, completions);
    } catch (error) {
      const detail = `error parsing succeededIndexes: ${error instanceof Error ? error.message : ''}`;
      faults.push(invalidValue(`${field}.succeededIndexes`, succeededIndexes, detail));
    }
  }
  if (succeededCount === undefined) return faults;
  const at = `${field}.succeededCount`;
  if (succeededCount < 0) faults.push(invalidValue(at, succeededCount, 'must be greater than or equal to 0'));
  const most = 'must be less than or equal to';
  if (succeededCount > completions) {
    faults.push(
      invalidValue(at, succeededCount, `${most} ${completions} (the number of specified completions)`),
    );
  }
  if (succeededIndexes !== undefined && succeededCount > total) {
    const detail = `${most} ${total} (the number of indexes in the specified succeededIndexes field)`;
    faults.push(invalidValue(at, succeededCount, detail));
  }
  return faults;
}

export function successPolicyFaults(spec: JobSpec, field: string): FieldError[] {
  const { successPolicy } = spec;
  if (successPolicy === undefined) return [];
  if (spec.completionMode !== 'Indexed') {
    return [invalidValue(field, toGoSuccessPolicy(successPolicy), 'requires indexed completion mode')];
  }
  const rules = successPolicy.rules ?? [];
  if (rules.length === 0) {
    return [
      required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified'),
    ];
  }
  return [
    ...(rules.length > maxRules ? [tooMany(`${field}.rules`, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, index) =>
      successRuleFaults(rule, spec.completions ?? 0, `${field}.rules[${index}]`),
    ),
  ];
}
