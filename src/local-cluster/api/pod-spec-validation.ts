import { isIP } from 'node:net';
import type { V1PodSpec, V1Toleration } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import { containerFaults, containersFaults, idFaults } from './container-validation.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, invalidValue, notSupported, required } from './field-errors.ts';
import { lastingContainerFaults, passingContainerFaults } from './handler-validation.ts';
import { dnsLabelFaults, labelKeyFaults, subdomainFaults } from './label-syntax.ts';
import { labelFaults } from './metadata-validation.ts';
import { nodeAffinityFaults } from './node-affinity-validation.ts';
import { volumeFaults } from './volume-validation.ts';

type PodSpec = Wire<V1PodSpec>;

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
    const isSidecar = restartPolicy === 'Always';
    faults.push(...(isSidecar ? lastingContainerFaults : passingContainerFaults)(container, at));
    return faults;
  });
}

const tolerationEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function tolerationFaults(tolerations: Wire<V1Toleration>[] | undefined, field: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, index) => {
    const { key, operator = 'Equal', value, effect, tolerationSeconds } = toleration;
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
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      faults.push(invalidValue(`${at}.effect`, effect ?? '', detail));
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

/** With the policy None a pod must bring its own name servers. */
function dnsConfigFaults({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  if (dnsPolicy !== 'None') return [];
  if (dnsConfig === undefined) {
    return [required(field, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  }
  if ((dnsConfig.nameservers ?? []).length > 0) return [];
  const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
  return [required(`${field}.nameservers`, detail)];
}

const hostAliasFaults = (aliases: PodSpec['hostAliases'], field: string): FieldError[] =>
  (aliases ?? []).flatMap(({ ip }, index) =>
    isIP(ip ?? '') > 0
      ? []
      : [
          invalidValue(
            `${field}[${index}].ip`,
            ip ?? '',
            'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
          ),
        ],
  );

/** A pod's spec, or the one in a Job's template. */
export function podSpecFaults(spec: PodSpec, field: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const { restartPolicy, dnsPolicy, activeDeadlineSeconds, securityContext } = spec;
  const { runAsUser, runAsGroup, fsGroup } = securityContext ?? {};
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
    ...idFaults({ fsGroup, runAsUser, runAsGroup }, `${field}.securityContext`),
    ...nodeAffinityFaults(spec.affinity?.nodeAffinity, `${field}.affinity.nodeAffinity`),
    ...dnsConfigFaults(spec, `${field}.dnsConfig`),
    ...nameFaults(`${field}.serviceAccountName`, spec.serviceAccountName, subdomainFaults),
    ...nameFaults(`${field}.nodeName`, spec.nodeName, subdomainFaults),
    ...(activeDeadlineSeconds === undefined ||
    (activeDeadlineSeconds >= 1 && activeDeadlineSeconds <= 2147483647)
      ? []
      : [invalidValue(`${field}.activeDeadlineSeconds`, activeDeadlineSeconds, deadlineRange)]),
    ...nameFaults(`${field}.hostname`, spec.hostname, dnsLabelFaults),
    ...nameFaults(`${field}.subdomain`, spec.subdomain, dnsLabelFaults),
    ...tolerationFaults(spec.tolerations, `${field}.tolerations`),
    ...hostAliasFaults(spec.hostAliases, `${field}.hostAliases`),
    ...nameFaults(`${field}.priorityClassName`, spec.priorityClassName, subdomainFaults),
    ...nameFaults(`${field}.runtimeClassName`, spec.runtimeClassName, subdomainFaults),
  ];
}
