/** A JSON object whose fields nobody has checked yet. */
export type JsonObject = { [key: string]: unknown };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Removes undefined fields in place, however deep: JSON has none, and equality must not see them. */
export function dropUndefined(value: unknown): void {
  if (Array.isArray(value)) value.forEach(dropUndefined);
  else if (isJsonObject(value)) {
    for (const [key, field] of Object.entries(value)) {
      if (field === undefined) Reflect.deleteProperty(value, key);
      else dropUndefined(field);
    }
  }
}

/** Freezes, however deep, so that a reader who edits what others read fails at once. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

/** Whether two values are the same JSON, whatever the order of their keys; an undefined field is no field. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => isSameJson(a[key], b[key]));
  }
  return a === b;
}

/** Looks no further than the given number of levels. */
export const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1)));

/** A map with its keys in order, as Go writes maps. */
export const sortKeys = <T>(map: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
