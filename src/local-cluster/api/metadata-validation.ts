import type { StoredMeta } from '../objects.ts';
import type { FieldError } from './field-errors.ts';
import { forbiddenField, invalidValue, required } from './field-errors.ts';
import { isSameJson } from './json.ts';
import { labelKeyFaults, labelValueFaults, subdomainFaults } from './label-syntax.ts';

const annotationsLimitBytes = 256 * 1024;

export type NameSyntax = (name: string) => string[];

export function labelFaults(labels: Record<string, string> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...labelKeyFaults(key).map((fault) => invalidValue(field, key, fault)),
    ...labelValueFaults(value).map((fault) => invalidValue(field, value, fault)),
  ]);
}

export function annotationFaults(
  annotations: Record<string, string> | undefined,
  field: string,
): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const faults = entries.flatMap(([key]) =>
    labelKeyFaults(key.toLowerCase()).map((fault) => invalidValue(field, key, fault)),
  );
  const bytes = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes <= annotationsLimitBytes) return faults;
  return [
    ...faults,
    { type: 'TooLong', field, detail: `may not be more than ${annotationsLimitBytes} bytes` },
  ];
}

/** A prefix may end in a dash: the random part follows it. */
const maskTrailingDash = (prefix: string) =>
  prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;

function ownerFaults(owners: StoredMeta['ownerReferences'], field: string): FieldError[] {
  return (owners ?? []).flatMap((owner, index) => {
    const at = `${field}[${index}]`;
    return [
      ...(owner.apiVersion ? [] : [invalidValue(`${at}.apiVersion`, '', 'version must not be empty')]),
      ...(owner.kind ? [] : [invalidValue(`${at}.kind`, '', 'must not be empty')]),
      ...(owner.name ? [] : [invalidValue(`${at}.name`, '', 'must not be empty')]),
      ...(owner.uid ? [] : [invalidValue(`${at}.uid`, '', 'must not be empty')]),
    ];
  });
}

const standardFinalizers = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

function finalizerFaults(finalizers: string[] | undefined, field: string): FieldError[] {
  return (finalizers ?? []).flatMap((finalizer) => {
    const faults = labelKeyFaults(finalizer).map((fault) => invalidValue(field, finalizer, fault));
    if (finalizer.includes('/') || standardFinalizers.has(finalizer)) return faults;
    const detail = 'name is neither a standard finalizer name nor is it fully qualified';
    return [...faults, invalidValue(field, finalizer, detail)];
  });
}

export function metadataFaults(metadata: StoredMeta, nameSyntax: NameSyntax = subdomainFaults): FieldError[] {
  const { name, generateName } = metadata;
  return [
    ...(generateName === undefined
      ? []
      : nameSyntax(maskTrailingDash(generateName)).map((fault) =>
          invalidValue('metadata.generateName', generateName, fault),
        )),
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : nameSyntax(name).map((fault) => invalidValue('metadata.name', name, fault))),
    ...labelFaults(metadata.labels, 'metadata.labels'),
    ...annotationFaults(metadata.annotations, 'metadata.annotations'),
    ...ownerFaults(metadata.ownerReferences, 'metadata.ownerReferences'),
    ...finalizerFaults(metadata.finalizers, 'metadata.finalizers'),
  ];
}

/** `field is immutable`, when the two differ; `shown` is how the new value looks in the message. */
export const immutableFaults = (
  field: string,
  value: unknown,
  old: unknown,
  shown: unknown = value,
): FieldError[] => (isSameJson(value, old) ? [] : [invalidValue(field, shown ?? null, 'field is immutable')]);

export function metadataUpdateFaults(metadata: StoredMeta, old: StoredMeta): FieldError[] {
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
  const goList = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${goList}`;
  return [
    ...(old.deletionTimestamp === undefined || added.length === 0
      ? []
      : [forbiddenField('metadata.finalizers', detail)]),
    ...immutableFaults('metadata.uid', metadata.uid, old.uid),
  ];
}
