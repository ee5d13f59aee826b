import type { V1Container, V1EnvVar } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, invalidValue, notSupported, required } from './field-errors.ts';
import { dnsLabelFaults, labelKeyFaults } from './label-syntax.ts';
import { findQuantity } from './quantity.ts';

type Container = Wire<V1Container>;

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const otherFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'spec.schedulerName',
  'spec.restartPolicy',
  'status.phase',
];
const resourceFields = ['cpu', 'ephemeral-storage', 'memory']
  .flatMap((name) => [`limits.${name}`, `requests.${name}`])
  .toSorted();

function fieldPathFaults(path: string, field: string): FieldError[] {
  const [, base, subscript] = /^(metadata\.(?:labels|annotations))\['([^']*)'\]$/.exec(path) ?? [];
  if (base !== undefined && subscript !== undefined) {
    return labelKeyFaults(base.endsWith('labels') ? subscript : subscript.toLowerCase()).map((fault) =>
      invalidValue(field, subscript, fault),
    );
  }
  const at = `${field}.fieldPath`;
  if (envFieldPaths.includes(path)) return [];
  if (otherFieldPaths.includes(path)) return [notSupported(at, path, envFieldPaths)];
  return [invalidValue(at, path, `error converting fieldPath: field label not supported: ${path}`)];
}

function valueFromFaults({ value, valueFrom }: Wire<V1EnvVar>, field: string): FieldError[] {
  if (valueFrom === undefined) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  const faults: FieldError[] = [];
  if (fieldRef !== undefined) {
    const at = `${field}.fieldRef`;
    faults.push(
      ...(fieldRef.fieldPath ? fieldPathFaults(fieldRef.fieldPath, at) : [required(`${at}.fieldPath`)]),
    );
  }
  if (resourceFieldRef !== undefined) {
    const at = `${field}.resourceFieldRef`;
    const { resource } = resourceFieldRef;
    if (!resource) faults.push(required(`${at}.resource`));
    else if (!resourceFields.includes(resource))
      faults.push(notSupported(`${at}.resource`, resource, resourceFields));
  }
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (ref === undefined) continue;
    if (!ref.name) faults.push(required(`${field}.${name}.name`));
    if (!ref.key) faults.push(required(`${field}.${name}.key`));
  }
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(
    (source) => source !== undefined,
  );
  if (sources.length === 0) {
    const detail = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
    faults.push(invalidValue(field, '', detail));
  }
  if (value !== undefined && sources.length > 0) {
    faults.push(invalidValue(field, '', 'may not be specified when `value` is not empty'));
  } else if (sources.length > 1) {
    faults.push(invalidValue(field, '', 'may not have more than one field specified at a time'));
  }
  return faults;
}

const isPrintable = (name: string) => /^[\x20-\x3c\x3e-\x7e]+$/.test(name);

function envFaults(env: Wire<V1EnvVar>[] | undefined, field: string): FieldError[] {
  return (env ?? []).flatMap((variable, index) => {
    const at = `${field}[${index}]`;
    const detail =
      "a valid environment variable name must consist only of printable ASCII characters other than '='";
    const name = !variable.name
      ? [required(`${at}.name`)]
      : isPrintable(variable.name)
        ? []
        : [invalidValue(`${at}.name`, variable.name, detail)];
    return [...name, ...valueFromFaults(variable, `${at}.valueFrom`)];
  });
}

function portFaults(ports: Container['ports'], field: string): FieldError[] {
  return (ports ?? []).flatMap(({ containerPort, protocol }, index) => {
    const at = `${field}[${index}]`;
    const range = 'must be between 1 and 65535, inclusive';
    return [
      ...(containerPort === undefined || containerPort === 0
        ? [required(`${at}.containerPort`)]
        : containerPort < 1 || containerPort > 65535
          ? [invalidValue(`${at}.containerPort`, containerPort, range)]
          : []),
      ...(protocol === undefined || ['SCTP', 'TCP', 'UDP'].includes(protocol)
        ? []
        : [notSupported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])]),
    ];
  });
}

function mountFaults(
  mounts: Container['volumeMounts'],
  volumes: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const seen = new Set<string>();
  return (mounts ?? []).flatMap(({ name, mountPath }, index) => {
    const at = `${field}[${index}]`;
    const faults: FieldError[] = [];
    if (!name) faults.push(required(`${at}.name`));
    if (!volumes.has(name)) faults.push({ type: 'NotFound', field: `${at}.name`, value: name ?? '' });
    if (!mountPath) faults.push(required(`${at}.mountPath`));
    if (seen.has(mountPath)) faults.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    seen.add(mountPath);
    return faults;
  });
}

const standardResources = new Set(['cpu', 'memory', 'ephemeral-storage']);

function quantityFaults(name: string, quantity: string, field: string): FieldError[] {
  const isKnown = standardResources.has(name) || name.includes('/') || name.startsWith('hugepages-');
  return [
    ...(isKnown
      ? labelKeyFaults(name).map((fault) => invalidValue(field, name, fault))
      : [invalidValue(field, name, 'must be a standard resource for containers')]),
    ...((findQuantity(quantity) ?? 0) < 0
      ? [invalidValue(field, quantity, 'must be greater than or equal to 0')]
      : []),
  ];
}

function resourceFaults(resources: Container['resources'], field: string): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const limitFaults = Object.entries(limits).flatMap(([name, quantity]) =>
    quantityFaults(name, quantity, `${field}.limits[${name}]`),
  );
  const requestFaults = Object.entries(requests).flatMap(([name, quantity]) => {
    const limit = limits[name];
    const isOver = limit !== undefined && (findQuantity(quantity) ?? 0) > (findQuantity(limit) ?? 0);
    return [
      ...quantityFaults(name, quantity, `${field}.requests[${name}]`),
      ...(isOver
        ? [
            invalidValue(
              `${field}.requests`,
              quantity,
              `must be less than or equal to ${name} limit of ${limit}`,
            ),
          ]
        : []),
    ];
  });
  return [...limitFaults, ...requestFaults];
}

function securityFaults(security: Container['securityContext'], field: string): FieldError[] {
  if (security === undefined) return [];
  const range = 'must be between 0 and 2147483647, inclusive';
  const ids = Object.entries({ runAsUser: security.runAsUser, runAsGroup: security.runAsGroup }).flatMap(
    ([name, id]) =>
      id === undefined || (id >= 0 && id <= 2147483647) ? [] : [invalidValue(`${field}.${name}`, id, range)],
  );
  const { allowPrivilegeEscalation, privileged, capabilities } = security;
  const escalation =
    allowPrivilegeEscalation !== false
      ? []
      : privileged === true
        ? [
            invalidValue(
              field,
              security,
              'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
            ),
          ]
        : capabilities?.add?.includes('SYS_ADMIN')
          ? [
              invalidValue(
                field,
                security,
                'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
              ),
            ]
          : [];
  return [...ids, ...escalation];
}

const oneOf = (field: string, value: string | undefined, options: readonly string[]): FieldError[] =>
  value === undefined || options.includes(value) ? [] : [notSupported(field, value, options)];

/** What holds for every kind of container. `field` is its place, such as `spec.containers[0]`. */
export function containerFaults(
  container: Container,
  volumes: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const { name, image } = container;
  return [
    ...(name
      ? dnsLabelFaults(name).map((fault) => invalidValue(`${field}.name`, name, fault))
      : [required(`${field}.name`)]),
    ...(image
      ? image.trim() === image
        ? []
        : [invalidValue(`${field}.image`, image, 'must not have leading or trailing whitespace')]
      : [required(`${field}.image`)]),
    ...oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      'File',
      'FallbackToLogsOnError',
    ]),
    ...portFaults(container.ports, `${field}.ports`),
    ...envFaults(container.env, `${field}.env`),
    ...mountFaults(container.volumeMounts, volumes, `${field}.volumeMounts`),
    ...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...resourceFaults(container.resources, `${field}.resources`),
    ...securityFaults(container.securityContext, `${field}.securityContext`),
  ];
}

/** The regular containers: at least one, names unique. */
export function containersFaults(
  containers: Container[],
  volumes: ReadonlySet<string>,
  field: string,
): FieldError[] {
  if (containers.length === 0) return [required(field)];
  const seen = new Set<string>();
  return containers.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const faults = containerFaults(container, volumes, at);
    if (container.name && seen.has(container.name)) faults.push(duplicate(`${at}.name`, container.name));
    seen.add(container.name);
    if (container.restartPolicy !== undefined) {
      faults.push({
        type: 'Forbidden',
        field: `${at}.restartPolicy`,
        detail: 'may not be set for non-init containers',
      });
    }
    return faults;
  });
}
