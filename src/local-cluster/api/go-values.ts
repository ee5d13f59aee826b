/**
 * How objects look in error messages: as Kubernetes' internal Go structs, every field with its Go name, in Go's order.
 * Only structs that immutable fields of a Job hold are known; deeper ones are shown with capitalised names.
 */
import { findOwn, isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';

type Show = (value: unknown) => unknown;
/** Go name, name in JSON, how the value is shown. */
type Field = readonly [go: string, json: string, show: Show];

const acronyms: Record<string, string> = {
  ip: 'IP',
  uid: 'UID',
  tty: 'TTY',
  os: 'OS',
  apiVersion: 'APIVersion',
};

function showAny(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(showAny);
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      findOwn(acronyms, key) ?? key.charAt(0).toUpperCase() + key.slice(1),
      showAny(field),
    ]),
  );
}

const plain: Show = (value) => value ?? null;
const text: Show = (value) => value ?? '';
const flag: Show = (value) => value ?? false;
const each =
  (show: Show): Show =>
  (value) =>
    Array.isArray(value) ? value.map(show) : null;

/** A struct that is always there; a pointer to one is shown by `optional`. */
const struct =
  (fields: readonly Field[]): Show =>
  (value) => {
    const object = isJsonObject(value) ? value : {};
    return Object.fromEntries(fields.map(([go, json, show]) => [go, show(object[json])]));
  };

const optional =
  (show: Show): Show =>
  (value) =>
    value === undefined ? null : show(value);

const nameOnly = struct([['Name', 'name', text]]);

const envVar = struct([
  ['Name', 'name', text],
  ['Value', 'value', text],
  ['ValueFrom', 'valueFrom', showAny],
]);

const resources = struct([
  ['Limits', 'limits', plain],
  ['Requests', 'requests', plain],
  ['Claims', 'claims', each(showAny)],
]);

const container = struct([
  ['Name', 'name', text],
  ['Image', 'image', text],
  ['Command', 'command', plain],
  ['Args', 'args', plain],
  ['WorkingDir', 'workingDir', text],
  ['Ports', 'ports', showAny],
  ['EnvFrom', 'envFrom', showAny],
  ['Env', 'env', each(envVar)],
  ['Resources', 'resources', resources],
  ['ResizePolicy', 'resizePolicy', showAny],
  ['RestartPolicy', 'restartPolicy', plain],
  ['RestartPolicyRules', 'restartPolicyRules', showAny],
  ['VolumeMounts', 'volumeMounts', showAny],
  ['VolumeDevices', 'volumeDevices', showAny],
  ['LivenessProbe', 'livenessProbe', showAny],
  ['ReadinessProbe', 'readinessProbe', showAny],
  ['StartupProbe', 'startupProbe', showAny],
  ['Lifecycle', 'lifecycle', showAny],
  ['TerminationMessagePath', 'terminationMessagePath', text],
  ['TerminationMessagePolicy', 'terminationMessagePolicy', text],
  ['ImagePullPolicy', 'imagePullPolicy', text],
  ['SecurityContext', 'securityContext', showAny],
  ['Stdin', 'stdin', flag],
  ['StdinOnce', 'stdinOnce', flag],
  ['TTY', 'tty', flag],
]);

const securityContext = struct([
  ['HostNetwork', 'hostNetwork', flag],
  ['HostPID', 'hostPID', flag],
  ['HostIPC', 'hostIPC', flag],
  ['ShareProcessNamespace', 'shareProcessNamespace', plain],
  ['HostUsers', 'hostUsers', plain],
  ['SELinuxOptions', 'seLinuxOptions', showAny],
  ['WindowsOptions', 'windowsOptions', showAny],
  ['RunAsUser', 'runAsUser', plain],
  ['RunAsGroup', 'runAsGroup', plain],
  ['RunAsNonRoot', 'runAsNonRoot', plain],
  ['SupplementalGroups', 'supplementalGroups', plain],
  ['SupplementalGroupsPolicy', 'supplementalGroupsPolicy', plain],
  ['FSGroup', 'fsGroup', plain],
  ['FSGroupChangePolicy', 'fsGroupChangePolicy', plain],
  ['Sysctls', 'sysctls', showAny],
  ['SeccompProfile', 'seccompProfile', showAny],
  ['AppArmorProfile', 'appArmorProfile', showAny],
  ['SELinuxChangePolicy', 'seLinuxChangePolicy', plain],
]);

const podSpec = struct([
  ['Volumes', 'volumes', showAny],
  ['InitContainers', 'initContainers', each(container)],
  // A template without containers shows null, though the field is always sent as a list.
  [
    'Containers',
    'containers',
    (value) => (Array.isArray(value) && value.length > 0 ? value.map(container) : null),
  ],
  ['EphemeralContainers', 'ephemeralContainers', showAny],
  ['RestartPolicy', 'restartPolicy', text],
  ['TerminationGracePeriodSeconds', 'terminationGracePeriodSeconds', plain],
  ['ActiveDeadlineSeconds', 'activeDeadlineSeconds', plain],
  ['DNSPolicy', 'dnsPolicy', text],
  ['NodeSelector', 'nodeSelector', plain],
  ['ServiceAccountName', 'serviceAccountName', text],
  ['AutomountServiceAccountToken', 'automountServiceAccountToken', plain],
  ['NodeName', 'nodeName', text],
  ['SecurityContext', 'securityContext', securityContext],
  ['ImagePullSecrets', 'imagePullSecrets', each(nameOnly)],
  ['Hostname', 'hostname', text],
  ['Subdomain', 'subdomain', text],
  ['SetHostnameAsFQDN', 'setHostnameAsFQDN', plain],
  ['Affinity', 'affinity', showAny],
  ['SchedulerName', 'schedulerName', text],
  ['Tolerations', 'tolerations', showAny],
  ['HostAliases', 'hostAliases', showAny],
  ['PriorityClassName', 'priorityClassName', text],
  ['Priority', 'priority', plain],
  ['PreemptionPolicy', 'preemptionPolicy', plain],
  ['DNSConfig', 'dnsConfig', showAny],
  ['ReadinessGates', 'readinessGates', showAny],
  ['RuntimeClassName', 'runtimeClassName', plain],
  ['Overhead', 'overhead', plain],
  ['EnableServiceLinks', 'enableServiceLinks', plain],
  ['TopologySpreadConstraints', 'topologySpreadConstraints', showAny],
  ['OS', 'os', showAny],
  ['SchedulingGates', 'schedulingGates', showAny],
  ['ResourceClaims', 'resourceClaims', showAny],
  ['Resources', 'resources', optional(resources)],
  ['HostnameOverride', 'hostnameOverride', plain],
  ['SchedulingGroup', 'schedulingGroup', showAny],
]);

/** In Go, what the pod's own spec says of the host's namespaces lies in its security context. */
const liftHostFields = (spec: JsonObject): JsonObject => {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers, securityContext: security } = spec;
  const lifted = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  return { ...spec, securityContext: { ...lifted, ...(isJsonObject(security) ? security : {}) } };
};

export const toGoPodSpec: Show = (value) => podSpec(liftHostFields(isJsonObject(value) ? value : {}));

const metadataOrder = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
];

/** The metadata is embedded: its fields keep their names in JSON, absent ones are left out, and Spec stands beside them. */
export const toGoTemplate: Show = (value) => {
  const { metadata, spec } = isJsonObject(value) ? value : {};
  const given = isJsonObject(metadata) ? metadata : {};
  const present = metadataOrder.filter((field) => given[field] !== undefined);
  return { ...Object.fromEntries(present.map((field) => [field, given[field]])), Spec: toGoPodSpec(spec) };
};

const failureRule = struct([
  ['Action', 'action', text],
  [
    'OnExitCodes',
    'onExitCodes',
    optional(
      struct([
        ['ContainerName', 'containerName', plain],
        ['Operator', 'operator', text],
        ['Values', 'values', plain],
      ]),
    ),
  ],
  ['OnPodConditions', 'onPodConditions', showAny],
]);

export const toGoFailurePolicy: Show = optional(struct([['Rules', 'rules', each(failureRule)]]));

const successRule = struct([
  ['SucceededIndexes', 'succeededIndexes', plain],
  ['SucceededCount', 'succeededCount', plain],
]);

export const toGoSuccessPolicy: Show = optional(struct([['Rules', 'rules', each(successRule)]]));
