import { z } from 'zod';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** What JSON.parse gives is Json by construction, so only the type is settled here. */
const anyJson = z.custom<Json>((value) => value !== undefined);

export const parseJson = (text: string): Json => anyJson.parse(JSON.parse(text));

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path, or undefined when any part of the way is missing. */
export function dig(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let here = value;
  for (const step of path) {
    if (typeof step === 'number') here = Array.isArray(here) ? here[step] : undefined;
    else here = isObject(here) ? here[step] : undefined;
  }
  return here;
}

/** The string at a path; empty when there is none. Numbers and booleans are written out. */
export function textAt(value: Json | undefined, ...path: (string | number)[]): string {
  const found = dig(value, ...path);
  return found === undefined || found === null || typeof found === 'object' ? '' : String(found);
}

export function listAt(value: Json | undefined, ...path: (string | number)[]): Json[] {
  const found = dig(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function objectAt(value: Json | undefined, ...path: (string | number)[]): JsonObject {
  const found = dig(value, ...path);
  return isObject(found) ? found : {};
}

/** RFC 7386. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Rewrites every string in the value; `key` is the name of the field (or of the list) that holds it. */
export function mapStrings(value: Json, change: (text: string, key: string) => string, key = ''): Json {
  if (typeof value === 'string') return change(value, key);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change, key));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item, change, name)]),
  );
}
