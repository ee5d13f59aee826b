import type { V1JobSpec } from '@kubernetes/client-node';
import type { Job, Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';
import { podFailurePolicyFaults, successPolicyFaults } from './job-policy-validation.ts';
import { dnsLabelFaults } from './label-syntax.ts';
import { annotationFaults, labelFaults, metadataFaults } from './metadata-validation.ts';
import { podSpecFaults } from './pod-spec-validation.ts';

type JobSpec = Wire<V1JobSpec>;

const maxIndexedParallelism = 100_000;
const manyCompletions = 100_000;

function countFaults(spec: JobSpec): FieldError[] {
  const counts = {
    parallelism: spec.parallelism,
    completions: spec.completions,
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    backoffLimit: spec.backoffLimit,
    ttlSecondsAfterFinished: spec.ttlSecondsAfterFinished,
    backoffLimitPerIndex: spec.backoffLimitPerIndex,
    maxFailedIndexes: spec.maxFailedIndexes,
  };
  return Object.entries(counts).flatMap(([name, count]) =>
    count === undefined || count >= 0
      ? []
      : [invalidValue(`spec.${name}`, count, 'must be greater than or equal to 0')],
  );
}

function managedByFaults({ managedBy }: JobSpec): FieldError[] {
  if (managedBy === undefined) return [];
  const field = 'spec.managedBy';
  const [domain = '', ...path] = managedBy.split('/');
  if (domain === '' || path.join('/') === '') {
    return [invalidValue(field, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  if (managedBy.length <= 63) return [];
  return [{ type: 'TooLong', field, detail: 'may not be more than 63 bytes' }];
}

const most = (limit: number, rest = '') => `must be less than or equal to ${limit}${rest}`;

function indexedFaults(spec: JobSpec): FieldError[] {
  const { completions, parallelism, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const faults: FieldError[] = [];
  if (completions === undefined) faults.push(required('spec.completions', 'when completion mode is Indexed'));
  if (parallelism !== undefined && parallelism > maxIndexedParallelism) {
    faults.push(
      invalidValue(
        'spec.parallelism',
        parallelism,
        most(maxIndexedParallelism, ' when completion mode is Indexed'),
      ),
    );
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > (completions ?? Infinity)) {
    faults.push(
      invalidValue('spec.maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions'),
    );
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > 100_000) {
    faults.push(invalidValue('spec.maxFailedIndexes', maxFailedIndexes, most(100_000)));
  }
  if (completions !== undefined && completions > manyCompletions && backoffLimitPerIndex !== undefined) {
    const rest = ` when completions are above ${manyCompletions} and used with backoff limit per index`;
    if (maxFailedIndexes === undefined) {
      faults.push(
        required('spec.maxFailedIndexes', `must be specified when completions is above ${manyCompletions}`),
      );
    }
    if (parallelism !== undefined && parallelism > 10_000) {
      faults.push(invalidValue('spec.parallelism', parallelism, most(10_000, rest)));
    }
    if (maxFailedIndexes !== undefined && maxFailedIndexes > 10_000) {
      faults.push(invalidValue('spec.maxFailedIndexes', maxFailedIndexes, most(10_000, rest)));
    }
  }
  return faults;
}

function completionModeFaults(spec: JobSpec): FieldError[] {
  const { completionMode: mode = 'NonIndexed', backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (mode === 'Indexed') return indexedFaults(spec);
  if (mode !== 'NonIndexed') return [notSupported('spec.completionMode', mode, ['NonIndexed', 'Indexed'])];
  const limits = Object.entries({ backoffLimitPerIndex, maxFailedIndexes });
  return limits.flatMap(([name, limit]) =>
    limit === undefined ? [] : [invalidValue(`spec.${name}`, limit, 'requires indexed completion mode')],
  );
}

function replacementFaults({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec): FieldError[] {
  const options = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  return policy === undefined || options.includes(policy)
    ? []
    : [notSupported('spec.podReplacementPolicy', policy, options)];
}

/** The template's own restart policy is defaulted to Always, which means that the user has given none. */
function restartFaults({ template, podFailurePolicy }: JobSpec): FieldError[] {
  const field = 'spec.template.spec.restartPolicy';
  const policy = template.spec?.restartPolicy;
  if (policy === undefined || policy === 'Always')
    return [required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never')
    return [notSupported(field, policy, ['OnFailure', 'Never'])];
  if (podFailurePolicy === undefined || policy === 'Never') return [];
  return [invalidValue(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

type Expression = { key: string; operator: string; values?: string[] };

function matchesExpression({ key, operator, values }: Expression, labels: Record<string, string>): boolean {
  const label = labels[key];
  if (operator === 'Exists') return label !== undefined;
  if (operator === 'DoesNotExist') return label === undefined;
  const isListed = label !== undefined && (values ?? []).includes(label);
  return operator === 'In' ? isListed : !isListed;
}

function selects(selector: JobSpec['selector'], labels: Record<string, string>): boolean {
  if (selector === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal && (selector.matchExpressions ?? []).every((expression) => matchesExpression(expression, labels))
  );
}

export function jobSpecFaults(spec: JobSpec): FieldError[] {
  const { metadata, spec: podSpec } = spec.template;
  return [
    ...countFaults(spec),
    ...managedByFaults(spec),
    ...completionModeFaults(spec),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [required('spec.backoffLimitPerIndex', 'when maxFailedIndexes is specified')]
      : []),
    ...podFailurePolicyFaults(spec, 'spec.podFailurePolicy'),
    ...successPolicyFaults(spec, 'spec.successPolicy'),
    ...replacementFaults(spec),
    ...labelFaults(metadata?.labels, 'spec.template.labels'),
    ...annotationFaults(metadata?.annotations, 'spec.template.annotations'),
    ...podSpecFaults(podSpec ?? { containers: [] }, 'spec.template.spec'),
    ...(podSpec?.ephemeralContainers === undefined
      ? []
      : [
          forbiddenField(
            'spec.template.spec.ephemeralContainers',
            'ephemeral containers not allowed in pod template',
          ),
        ]),
    ...restartFaults(spec),
    ...(spec.selector === undefined ? [required('spec.selector')] : []),
    ...(selects(spec.selector, metadata?.labels ?? {})
      ? []
      : [
          invalidValue(
            'spec.template.metadata.labels',
            metadata?.labels ?? null,
            '`selector` does not match template `labels`',
          ),
        ]),
  ];
}

/** Labels and selector must be those that the server itself would have made, unless `manualSelector` is set. */
function generatedSelectorFaults({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const { uid, name } = metadata;
  const labels = spec.template.metadata?.labels ?? {};
  const expected: Record<string, string> = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
  const labelErrors = Object.entries(expected).flatMap(([key, value]) => {
    const field = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) return [required(field, `must be '${value}'`)];
    return labels[key] === value ? [] : [invalidValue(field, labels, `must be '${value}'`)];
  });
  if (selects(spec.selector, expected)) return labelErrors;
  return [...labelErrors, invalidValue('spec.selector', spec.selector, '`selector` not auto-generated')];
}

export function jobFaults(job: Job): FieldError[] {
  const { metadata, spec } = job;
  const faults = [...metadataFaults(metadata), ...generatedSelectorFaults(job), ...jobSpecFaults(spec)];
  if (spec.completionMode === 'Indexed' && spec.completions !== undefined && spec.completions > 0) {
    const lastPod = `${metadata.name}-${spec.completions - 1}`;
    if (dnsLabelFaults(lastPod).length > 0) {
      const detail = `will not able to create pod with invalid DNS label: ${lastPod}`;
      faults.push(invalidValue('metadata.name', metadata.name, detail));
    }
  }
  return faults;
}
