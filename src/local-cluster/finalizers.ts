import type { StoredMeta } from './objects.ts';

/** What holds an object back after its deletion, until the one who put it there takes it off. */
export const finalizers = {
  foreground: 'foregroundDeletion',
  orphan: 'orphan',
  jobTracking: 'batch.kubernetes.io/job-tracking',
} as const;

export const hasFinalizer = ({ finalizers: present = [] }: StoredMeta, finalizer: string): boolean =>
  present.includes(finalizer);

/** For a draft; an empty list is left out, as the API does. */
export function removeFinalizer(metadata: StoredMeta, finalizer: string): void {
  const left = (metadata.finalizers ?? []).filter((present) => present !== finalizer);
  if (left.length > 0) metadata.finalizers = left;
  else delete metadata.finalizers;
}

/** Deleted with its dependents to care for first: the garbage collector decides over both, and nobody else. */
export const isCollecting = (metadata: StoredMeta): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (hasFinalizer(metadata, finalizers.foreground) || hasFinalizer(metadata, finalizers.orphan));
