import type { Pod, ResourceName, ResourceObjects } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalid, invalidValue } from './field-errors.ts';
import { isSameJson } from './json.ts';
import { jobStatusFaults, jobUpdateFaults } from './job-update-validation.ts';
import { jobFaults } from './job-validation.ts';
import { dnsLabelFaults } from './label-syntax.ts';
import { metadataFaults, metadataUpdateFaults } from './metadata-validation.ts';
import { podSpecFaults } from './pod-spec-validation.ts';
import { resources } from './resources.ts';

type Validator<R extends ResourceName> = {
  create: (object: ResourceObjects[R]) => FieldError[];
  update?: (object: ResourceObjects[R], old: ResourceObjects[R]) => FieldError[];
  status?: (object: ResourceObjects[R], old: ResourceObjects[R]) => FieldError[];
};

/** A deadline may be set or brought nearer, but not put off or taken away: somebody may count on it. */
function deadlineUpdateFaults({ spec }: Pod, old: Pod): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  const deadline = spec.activeDeadlineSeconds;
  const before = old.spec.activeDeadlineSeconds;
  if (before === undefined || deadline === before) return [];
  if (deadline === undefined)
    return [invalidValue(field, deadline, 'must not update from a positive integer to nil value')];
  if (deadline < before) return [];
  return [invalidValue(field, deadline, 'must be less than or equal to previous value')];
}

const podUpdateRule =
  'pod updates may not change fields other than `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Little of a pod's spec may still change: the rest has been acted on. Images too stay, since no container here changes its own. */
function podUpdateFaults(pod: Pod, old: Pod): FieldError[] {
  const faults = [...podSpecFaults(pod.spec, 'spec'), ...deadlineUpdateFaults(pod, old)];
  const { tolerations = [], terminationGracePeriodSeconds: grace = 0 } = old.spec;
  const kept = (pod.spec.tolerations ?? []).slice(0, tolerations.length);
  const isGraceMended = grace < 0 && pod.spec.terminationGracePeriodSeconds === 1;
  const comparable = {
    ...pod.spec,
    activeDeadlineSeconds: old.spec.activeDeadlineSeconds,
    tolerations: isSameJson(kept, tolerations) ? old.spec.tolerations : pod.spec.tolerations,
    terminationGracePeriodSeconds: isGraceMended ? grace : pod.spec.terminationGracePeriodSeconds,
  };
  return isSameJson(comparable, old.spec) ? faults : [...faults, forbiddenField('spec', podUpdateRule)];
}

function eventFaults({ metadata, involvedObject }: ResourceObjects['events']): FieldError[] {
  const { namespace = 'default' } = involvedObject;
  if (namespace === metadata.namespace) return [];
  return [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

const validators: { [R in ResourceName]: Validator<R> } = {
  jobs: { create: jobFaults, update: jobUpdateFaults, status: jobStatusFaults },
  pods: {
    create: ({ metadata, spec }) => [
      ...metadataFaults(metadata),
      ...podSpecFaults(spec, 'spec'),
      ...(spec.ephemeralContainers === undefined
        ? []
        : [forbiddenField('spec.ephemeralContainers', 'cannot be set on create')]),
    ],
    update: podUpdateFaults,
  },
  namespaces: { create: ({ metadata }) => metadataFaults(metadata, dnsLabelFaults) },
  events: {
    create: (event) => [...metadataFaults(event.metadata), ...eventFaults(event)],
    update: eventFaults,
  },
};

function refuse(resource: ResourceName, name: string, faults: FieldError[]): void {
  const { group, kind } = resources[resource];
  if (faults.length > 0) throw invalid({ group, kind, name }, faults);
}

/** Throws StatusError 422. */
export function validateCreate<R extends ResourceName>(resource: R, object: ResourceObjects[R]): void {
  refuse(resource, object.metadata.name, validators[resource].create(object));
}

/** The metadata is looked at with every write, through whatever door it comes. Throws StatusError 422. */
export function validateUpdate<R extends ResourceName>(
  resource: R,
  object: ResourceObjects[R],
  old: ResourceObjects[R],
  subresource: 'status' | undefined,
): void {
  const { update, status } = validators[resource];
  const check = subresource === 'status' ? status : update;
  refuse(resource, object.metadata.name, [
    ...metadataFaults(object.metadata),
    ...metadataUpdateFaults(object.metadata, old.metadata),
    ...(check?.(object, old) ?? []),
  ]);
}
