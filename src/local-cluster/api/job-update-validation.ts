import type { V1JobSpec } from '@kubernetes/client-node';
import type { Job, Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { invalidRule, invalidValue, required } from './field-errors.ts';
import { toGoFailurePolicy, toGoPodSpec, toGoSuccessPolicy, toGoTemplate } from './go-values.ts';
import { isSameJson } from './json.ts';
import { jobFaults, jobSpecFaults } from './job-validation.ts';
import { immutableFaults, metadataUpdateFaults } from './metadata-validation.ts';

type JobSpec = Wire<V1JobSpec>;

function completionsFaults(spec: JobSpec, old: JobSpec): FieldError[] {
  if (spec.completionMode !== 'Indexed')
    return immutableFaults('spec.completions', spec.completions, old.completions);
  if (spec.completions === old.completions || spec.completions === spec.parallelism) return [];
  return [
    invalidValue(
      'spec.completions',
      spec.completions,
      'can only be modified in tandem with spec.parallelism',
    ),
  ];
}

/** A Job that is suspended and has never started may still change where, and with what, its pods will run. */
function templateFaults({ spec }: Job, old: Job): FieldError[] {
  if (isSameJson(spec.template, old.spec.template)) return [];
  if (old.spec.suspend !== true || old.status.startTime !== undefined) {
    return immutableFaults('spec.template', spec.template, old.spec.template, toGoTemplate(spec.template));
  }
  const podSpec = spec.template.spec;
  const before = old.spec.template.spec;
  const withSameResources = (kind: 'containers' | 'initContainers') =>
    podSpec?.[kind]?.map((container, index) => ({
      ...container,
      resources: before?.[kind]?.[index]?.resources,
    }));
  const comparable = {
    ...podSpec,
    containers: withSameResources('containers'),
    initContainers: withSameResources('initContainers'),
    nodeSelector: before?.nodeSelector,
    tolerations: before?.tolerations,
    affinity: before?.affinity,
    schedulingGates: before?.schedulingGates,
  };
  return immutableFaults('spec.template.spec', comparable, before, toGoPodSpec(podSpec));
}

/** The order of the faults is Kubernetes': the object as such, then, once more, its spec, then what may not change. */
export function jobUpdateFaults(job: Job, old: Job): FieldError[] {
  const { spec } = job;
  return [
    ...jobFaults(job),
    ...metadataUpdateFaults(job.metadata, old.metadata),
    ...jobSpecFaults(spec),
    ...completionsFaults(spec, old.spec),
    ...immutableFaults('spec.selector', spec.selector, old.spec.selector),
    ...templateFaults(job, old),
    ...immutableFaults('spec.completionMode', spec.completionMode, old.spec.completionMode),
    ...immutableFaults(
      'spec.podFailurePolicy',
      spec.podFailurePolicy,
      old.spec.podFailurePolicy,
      toGoFailurePolicy(spec.podFailurePolicy),
    ),
    ...immutableFaults('spec.backoffLimitPerIndex', spec.backoffLimitPerIndex, old.spec.backoffLimitPerIndex),
    ...immutableFaults('spec.managedBy', spec.managedBy, old.spec.managedBy),
    ...immutableFaults(
      'spec.successPolicy',
      spec.successPolicy,
      old.spec.successPolicy,
      toGoSuccessPolicy(spec.successPolicy),
    ),
  ];
}

const cannot = (what: string) => invalidRule('status.conditions', what);

/** What may be written by hand through /status: a finished Job must look finished. */
export function jobStatusFaults({ status }: Job, old: Job): FieldError[] {
  const isTrue = (type: string) =>
    (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (isSameJson(status, old.status)) return [];
  const complete = isTrue('Complete');
  const failed = isTrue('Failed');
  const faults: FieldError[] = [];
  if (complete && failed) faults.push(cannot('cannot set Complete=True and Failed=true conditions'));
  if (complete && status.completionTime === undefined) {
    faults.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
  }
  if (!complete && status.completionTime !== undefined) {
    const detail = 'cannot set completionTime when there is no Complete=True condition';
    faults.push(invalidValue('status.completionTime', status.completionTime, detail));
  }
  if (complete && !isTrue('SuccessCriteriaMet')) {
    faults.push(cannot('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
  if (failed && !isTrue('FailureTarget')) {
    faults.push(cannot('cannot set Failed=True condition without the FailureTarget=true condition'));
  }
  if ((complete || failed) && (status.active ?? 0) > 0) {
    faults.push(invalidValue('status.active', status.active, 'active>0 is invalid for finished job'));
  }
  if ((complete || failed) && status.startTime === undefined) {
    faults.push(required('status.startTime', 'startTime is required for finished job'));
  }
  return faults;
}
