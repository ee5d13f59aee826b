/** What a report takes, for who checks it and for who sends it. No zod here: workers import this, and start fast. */

/** Of a message, in UTF-16 units. */
export const longestMessage = 4096;

/** Of a result, in bytes of JSON. */
export const largestResult = 64 * 1024;

/** Of a result, in levels. JSON can be nested so deep that what walks through it uses up the stack. */
export const deepestResult = 100;

/** Of a container's termination message, in bytes: the kubelet cuts a longer one, and half a JSON document is none. */
export const longestTerminationMessage = 4096;

export function isNestedWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isNestedWithin(inner, levels - 1));
}
