import type { V1Container, V1EnvVar, V1EnvVarSource } from '@kubernetes/client-node';
import type { Machine } from '../machine.ts';
import type { Pod, Wire } from '../objects.ts';
import { expand } from './expansion.ts';
import { findOwn } from '../api/json.ts';
import { findQuantity } from '../api/quantity.ts';

/** What keeps a container from being made, as the kubelet words it; `reason` is what its status shows. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
  readonly reason: string;

  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message);
    this.reason = reason;
  }
}

type EnvSource = { pod: Pod; container: Wire<V1Container>; machine: Machine };

/**
 * The variables that the pod itself sets, in their order, expanded: each sees those before it.
 * Throws ContainerConfigError for references to ConfigMaps and Secrets, which do not exist in this cluster.
 */
export function readPodEnvironment(source: EnvSource): Map<string, string> {
  for (const { configMapRef, secretRef } of source.container.envFrom ?? []) {
    refuseMissing('configmap', configMapRef);
    refuseMissing('secret', secretRef);
  }
  const values = new Map<string, string>();
  for (const variable of source.container.env ?? []) {
    const value = readVariable(variable, source, values);
    if (value !== undefined) values.set(variable.name, value);
  }
  return values;
}

function readVariable(
  { value, valueFrom }: Wire<V1EnvVar>,
  source: EnvSource,
  before: ReadonlyMap<string, string>,
): string | undefined {
  return valueFrom ? readReference(valueFrom, source) : expand(value ?? '', before);
}

/** Undefined when the reference is optional and leads nowhere. */
function readReference(reference: Wire<V1EnvVarSource>, source: EnvSource): string | undefined {
  if (reference.fieldRef) return readField(reference.fieldRef.fieldPath, source);
  if (reference.resourceFieldRef) return readResourceField(reference.resourceFieldRef, source);
  refuseMissing('configmap', reference.configMapKeyRef);
  refuseMissing('secret', reference.secretKeyRef);
  return undefined;
}

function refuseMissing(kind: string, reference: { name?: string; optional?: boolean } | undefined): void {
  if (reference && !reference.optional)
    throw new ContainerConfigError(`${kind} "${reference.name}" not found`);
}

function readField(path: string, { pod: { metadata, spec }, machine }: EnvSource): string {
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (map === 'labels') return findOwn(metadata.labels ?? {}, key) ?? '';
  if (map === 'annotations') return findOwn(metadata.annotations ?? {}, key) ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'spec.nodeName':
      return machine.name;
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
    case 'status.podIP':
    case 'status.podIPs':
      return machine.address;
    default:
      throw new ContainerConfigError(`unsupported fieldPath: ${path}`);
  }
}

/** A missing limit is the machine's capacity; a value that is no multiple of the divisor is rounded up. */
function readResourceField(
  reference: { resource: string; containerName?: string; divisor?: string },
  { pod, container, machine }: EnvSource,
): string {
  const [, kind, resource = ''] = /^(limits|requests)\.(.+)$/.exec(reference.resource) ?? [];
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const named = all.find(({ name }) => name === reference.containerName) ?? container;
  const { limits = {}, requests = {} } = named.resources ?? {};
  const limit = findOwn(limits, resource);
  const asked = kind === 'limits' ? limit : (findOwn(requests, resource) ?? limit);
  const unset = kind === 'limits' ? (findOwn(machine.capacity, resource) ?? 0) : 0;
  const value = asked === undefined ? unset : (findQuantity(asked) ?? 0);
  const divisor = findQuantity(reference.divisor ?? '1') || 1;
  // 100m is not a whole number of thousandths in binary; the tolerance keeps it from being rounded up to 101.
  return String(Math.ceil(value / divisor - 1e-6));
}
