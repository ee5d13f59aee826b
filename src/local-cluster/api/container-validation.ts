import type { V1Container } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import { envFaults, envFromFaults } from './env-validation.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, invalidValue, notSupported, required } from './field-errors.ts';
import { lastingContainerFaults } from './handler-validation.ts';
import { dnsLabelFaults, labelKeyFaults } from './label-syntax.ts';
import { findQuantity } from './quantity.ts';
import { mountFaults } from './volume-validation.ts';

type Container = Wire<V1Container>;

const portRules: [rule: RegExp, fault: string][] = [
  [/^.{0,15}$/s, 'must be no more than 15 characters'],
  [/^[-a-z0-9]+$/, 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
  [/[a-z]/, 'must contain at least one letter (a-z)'],
  [/^(?!.*--)/s, 'must not contain consecutive hyphens'],
  [/^(?!-).*(?<!-)$/s, 'must not begin or end with a hyphen'],
];

function portNameFaults(name: string | undefined, seen: Set<string>, field: string): FieldError[] {
  if (name === undefined) return [];
  const broken = portRules.filter(([rule]) => !rule.test(name));
  if (broken.length > 0) return broken.map(([, fault]) => invalidValue(field, name, fault));
  if (seen.has(name)) return [duplicate(field, name)];
  seen.add(name);
  return [];
}

function portFaults(ports: Container['ports'], field: string): FieldError[] {
  const seen = new Set<string>();
  return (ports ?? []).flatMap(({ name, containerPort, hostPort, protocol }, index) => {
    const at = `${field}[${index}]`;
    const range = 'must be between 1 and 65535, inclusive';
    return [
      ...portNameFaults(name, seen, `${at}.name`),
      ...(containerPort === undefined || containerPort === 0
        ? [required(`${at}.containerPort`)]
        : containerPort < 1 || containerPort > 65535
          ? [invalidValue(`${at}.containerPort`, containerPort, range)]
          : []),
      ...(hostPort === undefined || (hostPort >= 1 && hostPort <= 65535)
        ? []
        : [invalidValue(`${at}.hostPort`, hostPort, range)]),
      ...(protocol === undefined || ['SCTP', 'TCP', 'UDP'].includes(protocol)
        ? []
        : [notSupported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])]),
    ];
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

/** Of users and groups, for a container or for its pod. */
export function idFaults(ids: Record<string, number | undefined>, field: string): FieldError[] {
  const range = 'must be between 0 and 2147483647, inclusive';
  return Object.entries(ids).flatMap(([name, id]) =>
    id === undefined || (id >= 0 && id <= 2147483647) ? [] : [invalidValue(`${field}.${name}`, id, range)],
  );
}

function securityFaults(security: Container['securityContext'], field: string): FieldError[] {
  if (security === undefined) return [];
  const ids = idFaults({ runAsUser: security.runAsUser, runAsGroup: security.runAsGroup }, field);
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
    ...envFromFaults(container.envFrom, `${field}.envFrom`),
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
    faults.push(...lastingContainerFaults(container, at));
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
