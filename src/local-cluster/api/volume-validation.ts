import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import type { Wire } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { duplicate, forbiddenField, invalidValue, required } from './field-errors.ts';
import { dnsLabelFaults } from './label-syntax.ts';
import { findQuantity } from './quantity.ts';

/** What a source cannot do without: the name of what is mounted, or its path. */
function sourceFaults(
  { configMap, secret, hostPath, persistentVolumeClaim: claim, emptyDir }: Wire<V1Volume>,
  field: string,
): FieldError[] {
  const faults: FieldError[] = [];
  if (emptyDir?.sizeLimit !== undefined && (findQuantity(emptyDir.sizeLimit) ?? 0) < 0) {
    const detail = 'SizeLimit field must be a valid resource quantity';
    faults.push(forbiddenField(`${field}.emptyDir.sizeLimit`, detail));
  }
  if (hostPath !== undefined && !hostPath.path) faults.push(required(`${field}.hostPath.path`));
  if (secret !== undefined && !secret.secretName) faults.push(required(`${field}.secret.secretName`));
  if (claim !== undefined && !claim.claimName)
    faults.push(required(`${field}.persistentVolumeClaim.claimName`));
  if (configMap !== undefined && !configMap.name) faults.push(required(`${field}.configMap.name`));
  return faults;
}

export function volumeFaults(volumes: Wire<V1PodSpec>['volumes'], field: string): FieldError[] {
  const seen = new Set<string>();
  return (volumes ?? []).flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    const faults: FieldError[] = [];
    const [, second] = sources;
    if (second !== undefined)
      faults.push(forbiddenField(`${at}.${second}`, 'may not specify more than 1 volume type'));
    else faults.push(...sourceFaults(volume, at));
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

function descendingPathFaults(path: string | undefined, field: string): FieldError[] {
  if (path === undefined) return [];
  return [
    ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : []),
    ...(path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : []),
  ];
}

export function mountFaults(
  mounts: Wire<V1Container>['volumeMounts'],
  volumes: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const seen = new Set<string>();
  return (mounts ?? []).flatMap(({ name, mountPath, subPath, subPathExpr }, index) => {
    const at = `${field}[${index}]`;
    const faults: FieldError[] = [];
    if (!name) faults.push(required(`${at}.name`));
    if (!volumes.has(name)) faults.push({ type: 'NotFound', field: `${at}.name`, value: name ?? '' });
    if (!mountPath) faults.push(required(`${at}.mountPath`));
    if (seen.has(mountPath)) faults.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    seen.add(mountPath);
    // Kubernetes names no index here.
    faults.push(...descendingPathFaults(subPath, `${field}.subPath`));
    if (subPath !== undefined && subPathExpr !== undefined) {
      const detail = 'subPathExpr and subPath are mutually exclusive';
      faults.push(invalidValue(`${at}.subPathExpr`, subPathExpr, detail));
    }
    faults.push(...descendingPathFaults(subPathExpr, `${field}.subPathExpr`));
    return faults;
  });
}
