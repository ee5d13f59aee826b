import type { V1NodeAffinity, V1NodeSelectorRequirement, V1NodeSelectorTerm } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalidValue, required } from './field-errors.ts';
import { labelKeyFaults, labelValueFaults, subdomainFaults } from './label-syntax.ts';

type Requirement = Wire<V1NodeSelectorRequirement>;

function valueCountFaults({ operator, values = [] }: Requirement, field: string): FieldError[] {
  const at = `${field}.values`;
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0
        ? [required(at, "must be specified when `operator` is 'In' or 'NotIn'")]
        : [];
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0
        ? [forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : [];
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [invalidValue(`${field}.operator`, operator ?? '', 'not a valid selector operator')];
  }
}

function expressionFaults(requirement: Requirement, field: string, checksValues: boolean): FieldError[] {
  const { values = [] } = requirement;
  const key = requirement.key ?? '';
  const valueFaults = values.flatMap((value, index) =>
    labelValueFaults(value).map((fault) => invalidValue(`${field}.values[${index}]`, value, fault)),
  );
  return [
    ...valueCountFaults(requirement, field),
    ...labelKeyFaults(key).map((fault) => invalidValue(`${field}.key`, key, fault)),
    ...(checksValues ? valueFaults : []),
  ];
}

function fieldFaults({ key, operator, values = [] }: Requirement, field: string): FieldError[] {
  const faults: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    faults.push(invalidValue(`${field}.operator`, operator ?? '', 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    faults.push(required(`${field}.values`, detail));
  }
  if (key !== 'metadata.name') {
    return [...faults, invalidValue(`${field}.key`, key ?? '', 'not a valid field selector key')];
  }
  const valueFaults = values.flatMap((value, index) =>
    subdomainFaults(value).map((fault) => invalidValue(`${field}.values[${index}]`, value, fault)),
  );
  return [...faults, ...valueFaults];
}

const termFaults = (
  { matchExpressions = [], matchFields = [] }: Wire<V1NodeSelectorTerm>,
  field: string,
  checksValues: boolean,
): FieldError[] => [
  ...matchExpressions.flatMap((requirement, index) =>
    expressionFaults(requirement, `${field}.matchExpressions[${index}]`, checksValues),
  ),
  ...matchFields.flatMap((requirement, index) => fieldFaults(requirement, `${field}.matchFields[${index}]`)),
];

/** Of what is only preferred the values may be anything: it keeps no pod from running. */
export function nodeAffinityFaults(affinity: Wire<V1NodeAffinity> | undefined, field: string): FieldError[] {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: selector,
    preferredDuringSchedulingIgnoredDuringExecution: preferred = [],
  } = affinity ?? {};
  const faults: FieldError[] = [];
  if (selector !== undefined) {
    const at = `${field}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = selector.nodeSelectorTerms ?? [];
    if (terms.length === 0) faults.push(required(at, 'must have at least one node selector term'));
    faults.push(...terms.flatMap((term, index) => termFaults(term, `${at}[${index}]`, true)));
  }
  for (const [index, { weight = 0, preference }] of preferred.entries()) {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    if (weight <= 0 || weight > 100)
      faults.push(invalidValue(`${at}.weight`, weight, 'must be in the range 1-100'));
    faults.push(...termFaults(preference ?? {}, `${at}.preference`, false));
  }
  return faults;
}
