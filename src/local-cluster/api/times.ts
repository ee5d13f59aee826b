/** RFC 3339 in whole seconds, as metav1.Time is written. */
export const toTimestamp = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;
