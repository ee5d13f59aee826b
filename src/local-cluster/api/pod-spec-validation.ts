import type { V1PodSpec, V1Toleration } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import { containerFaults, containersFaults } from './container-validation.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';
import { dnsLabelFaults, labelKeyFaults, subdomainFaults } from './label-syntax.ts';
import { labelFaults } from './metadata-validation.ts';
import { nodeAffinityFaults } from './node-affinity-validation.ts';

type PodSpec = Wire<V1PodSpec>;

function volumeFaults(volumes: PodSpec['volumes'], field: string): FieldError[] {
  const seen = new Set<string>();
  return (volumes ?? []).flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    const faults: FieldError[] = [];
    const [, second] = sources;
    if (second !== undefined)
      faults.push(forbiddenField(`${at}.${second}`, 'may not specify more than 1 volume type'));
    if (!volume.name) faults.push(required(`${at}.name`));
    else
      faults.push(
        ...dnsLabelFaults(volume.name).map((fault) => invalidValue(`${at}.name`, volume.name, fault)),
      );
    if (seen.has(volume.name)) faults.push(duplicate(`${at}.name`, volume.name));
    seen.add(volume.name);
    return faults;
  });
}

function initContainerFaults(spec: PodSpec, volumes: ReadonlySet<string>, field: string): FieldError[] {
  const seen = new Set(spec.containers.map(({ name }) => name));
  return (spec.initContainers ?? []).flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const faults = containerFaults(container, volumes, at);
    if (container.name && seen.has(container.name)) faults.push(duplicate(`${at}.name`, container.name));
    seen.add(container.name);
    const { restartPolicy } = container;
    if (restartPolicy !== undefined && restartPolicy !== 'Always') {
      faults.push(notSupported(`${at}.restartPolicy`, restartPolicy, ['Always']));
    }
    return faults;
  });
}

const tolerationEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function tolerationFaults(tolerations: Wire<V1Toleration>[] | undefined, field: string): FieldError[] {
  return (tolerations ?? []).flatMap(({ key, operator = 'Equal', value, effect }, index) => {
    const at = `${field}[${index}]`;
    const faults: FieldError[] = [];
    if (key) faults.push(...labelKeyFaults(key).map((fault) => invalidValue(`${at}.key`, key, fault)));
    if (!key && operator !== 'Exists') {
      faults.push(
        invalidValue(
          `${at}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (operator === 'Exists' && value) {
      faults.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else if (operator !== 'Exists' && operator !== 'Equal') {
      faults.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    }
    if (effect && !tolerationEffects.includes(effect)) {
      faults.push(notSupported(`${at}.effect`, effect, tolerationEffects));
    }
    return faults;
  });
}

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function nameFaults(
  field: string,
  name: string | undefined,
  syntax: (name: string) => string[],
): FieldError[] {
  return name ? syntax(name).map((fault) => invalidValue(field, name, fault)) : [];
}

/** A pod's spec, or the one in a Job's template. */
export function podSpecFaults(spec: PodSpec, field: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const { restartPolicy, dnsPolicy, activeDeadlineSeconds } = spec;
  const deadlineRange = 'must be between 1 and 2147483647, inclusive';
  return [
    ...volumeFaults(spec.volumes, `${field}.volumes`),
    ...containersFaults(spec.containers, volumes, `${field}.containers`),
    ...initContainerFaults(spec, volumes, `${field}.initContainers`),
    ...(restartPolicy === undefined || restartPolicies.includes(restartPolicy)
      ? []
      : [notSupported(`${field}.restartPolicy`, restartPolicy, restartPolicies)]),
    ...(dnsPolicy === undefined || dnsPolicies.includes(dnsPolicy)
      ? []
      : [notSupported(`${field}.dnsPolicy`, dnsPolicy, dnsPolicies)]),
    ...labelFaults(spec.nodeSelector, `${field}.nodeSelector`),
    ...nodeAffinityFaults(spec.affinity?.nodeAffinity, `${field}.affinity.nodeAffinity`),
    ...nameFaults(`${field}.serviceAccountName`, spec.serviceAccountName, subdomainFaults),
    ...nameFaults(`${field}.nodeName`, spec.nodeName, subdomainFaults),
    ...(activeDeadlineSeconds === undefined ||
    (activeDeadlineSeconds >= 1 && activeDeadlineSeconds <= 2147483647)
      ? []
      : [invalidValue(`${field}.activeDeadlineSeconds`, activeDeadlineSeconds, deadlineRange)]),
    ...nameFaults(`${field}.hostname`, spec.hostname, dnsLabelFaults),
    ...nameFaults(`${field}.subdomain`, spec.subdomain, dnsLabelFaults),
    ...tolerationFaults(spec.tolerations, `${field}.tolerations`),
    ...nameFaults(`${field}.priorityClassName`, spec.priorityClassName, subdomainFaults),
    ...nameFaults(`${field}.runtimeClassName`, spec.runtimeClassName, subdomainFaults),
  ];
}
