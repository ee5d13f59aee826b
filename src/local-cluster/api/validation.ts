import type { Pod, ResourceName, ResourceObjects } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalid, invalidValue, required } from './field-errors.ts';
import { isSameJson } from './json.ts';
import { jobStatusFaults, jobUpdateFaults } from './job-update-validation.ts';
import { jobFaults } from './job-validation.ts';
import { dnsLabelFaults } from './label-syntax.ts';
import { metadataFaults, metadataUpdateFaults } from './metadata-validation.ts';
import { podSpecFaults } from './pod-spec-validation.ts';
import { resources } from './resources.ts';

type Validator<R extends ResourceName> = {
  create: (object: ResourceObjects[R]) => FieldError[];
  update: (object: ResourceObjects[R], old: ResourceObjects[R]) => FieldError[];
  status?: (object: ResourceObjects[R], old: ResourceObjects[R]) => FieldError[];
};

/** Of a pod's spec only the deadline may still change, and tolerations may be added: the rest has been acted on. */
function podUpdateFaults(pod: Pod, old: Pod): FieldError[] {
  const added = (pod.spec.tolerations ?? []).slice(0, old.spec.tolerations?.length ?? 0);
  const comparable = {
    ...pod.spec,
    activeDeadlineSeconds: old.spec.activeDeadlineSeconds,
    tolerations: isSameJson(added, old.spec.tolerations ?? []) ? old.spec.tolerations : pod.spec.tolerations,
  };
  const metadata = metadataUpdateFaults(pod.metadata, old.metadata);
  if (isSameJson(comparable, old.spec)) return metadata;
  const detail =
    'pod updates may not change fields other than `spec.activeDeadlineSeconds` and `spec.tolerations` (only additions to existing tolerations)';
  return [...metadata, forbiddenField('spec', detail)];
}

function eventFaults({ metadata, involvedObject }: ResourceObjects['events']): FieldError[] {
  const faults = metadataFaults(metadata);
  if (involvedObject === undefined) return [...faults, required('involvedObject')];
  const { namespace = 'default' } = involvedObject;
  if (namespace === metadata.namespace) return faults;
  return [...faults, invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

const validators: { [R in ResourceName]: Validator<R> } = {
  jobs: { create: jobFaults, update: jobUpdateFaults, status: jobStatusFaults },
  pods: {
    create: ({ metadata, spec }) => [...metadataFaults(metadata), ...podSpecFaults(spec, 'spec')],
    update: podUpdateFaults,
  },
  namespaces: {
    create: ({ metadata }) => metadataFaults(metadata, dnsLabelFaults),
    update: (namespace, old) => [
      ...metadataFaults(namespace.metadata, dnsLabelFaults),
      ...metadataUpdateFaults(namespace.metadata, old.metadata),
    ],
  },
  events: { create: eventFaults, update: (event, old) => metadataUpdateFaults(event.metadata, old.metadata) },
};

function refuse(resource: ResourceName, name: string, faults: FieldError[]): void {
  const { group, kind } = resources[resource];
  if (faults.length > 0) throw invalid({ group, kind, name }, faults);
}

/** Throws StatusError 422. */
export function validateCreate<R extends ResourceName>(resource: R, object: ResourceObjects[R]): void {
  refuse(resource, object.metadata.name, validators[resource].create(object));
}

/** Throws StatusError 422. */
export function validateUpdate<R extends ResourceName>(
  resource: R,
  object: ResourceObjects[R],
  old: ResourceObjects[R],
  subresource: 'status' | undefined,
): void {
  const { update, status } = validators[resource];
  const check = subresource === 'status' ? status : update;
  refuse(resource, object.metadata.name, check?.(object, old) ?? []);
}
