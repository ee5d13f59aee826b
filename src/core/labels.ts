/** Labels and annotations on the Kubernetes Jobs (and their pods) that are ours. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'jobspawn';
export const jobIdLabel = 'jobspawn.dev/job-id';
export const specHashAnnotation = 'jobspawn.dev/spec-hash';

/** Selects what is ours, for lists and watches. */
export const ourSelector = `${managedByLabel}=${managedBy}`;
