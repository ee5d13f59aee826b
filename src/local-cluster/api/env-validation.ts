import type { V1Container, V1EnvVar, V1ResourceFieldSelector } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { invalidValue, notSupported, required } from './field-errors.ts';
import { labelKeyFaults, subdomainFaults } from './label-syntax.ts';

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

const byteDivisors = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei'.split(', ');

function divisorFaults(
  { resource, divisor = '0' }: Wire<V1ResourceFieldSelector>,
  field: string,
): FieldError[] {
  if (divisor === '0') return [];
  const name = resource.split('.').at(-1) ?? '';
  const supported = name === 'cpu' ? ['1m', '1'] : byteDivisors;
  if (supported.includes(divisor)) return [];
  const list = name === 'cpu' ? '1m and 1' : byteDivisors.join(', ');
  const title = name === 'ephemeral-storage' ? 'local ephemeral storage' : name;
  const detail = `only divisor's values ${list} are supported with the ${title} resource`;
  return [invalidValue(`${field}.divisor`, resource, detail)];
}

const configKeyFault =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/** Of a ConfigMap or a Secret. */
function keyRefFaults({ name = '', key }: { name?: string; key: string }, field: string): FieldError[] {
  const nameFaults = subdomainFaults(name).map((fault) => invalidValue(`${field}.name`, name, fault));
  if (!key) return [...nameFaults, required(`${field}.key`)];
  return /^[-._a-zA-Z0-9]+$/.test(key)
    ? nameFaults
    : [...nameFaults, invalidValue(`${field}.key`, key, configKeyFault)];
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
    else faults.push(...divisorFaults(resourceFieldRef, at));
  }
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (ref !== undefined) faults.push(...keyRefFaults(ref, `${field}.${name}`));
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

export function envFaults(env: Wire<V1EnvVar>[] | undefined, field: string): FieldError[] {
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

export function envFromFaults(sources: Wire<V1Container>['envFrom'], field: string): FieldError[] {
  return (sources ?? []).flatMap(({ configMapRef, secretRef }, index) => {
    const at = `${field}[${index}]`;
    const given = Object.entries({ configMapRef, secretRef }).filter(([, ref]) => ref !== undefined);
    const faults = given.flatMap(([kind, ref]) => {
      if (!ref?.name) return [required(`${at}.${kind}.name`)];
      return subdomainFaults(ref.name).map((fault) => invalidValue(`${at}.${kind}.name`, ref.name, fault));
    });
    // Kubernetes names no index here.
    if (given.length === 0) {
      faults.push(invalidValue(field, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (given.length > 1) {
      faults.push(invalidValue(field, '', 'may not have more than one field specified at a time'));
    }
    return faults;
  });
}
