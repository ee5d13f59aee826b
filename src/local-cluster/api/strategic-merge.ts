import { findOwn, isJsonObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { StatusError } from './status-error.ts';

/** The key by which the items of a list are told apart; lists that are not named here are replaced whole. */
const mergeKeys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  volumes: 'name',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  resourceClaims: 'name',
  schedulingGates: 'name',
  topologySpreadConstraints: 'topologyKey',
  conditions: 'type',
  ownerReferences: 'uid',
  podIPs: 'ip',
  hostIPs: 'ip',
};

/** Lists of plain values that are merged as sets. */
const mergedSets = new Set(['finalizers']);

const badPatch = (message: string) => new StatusError('BadRequest', message);

const deleteFromList = '$deleteFromPrimitiveList/';
const elementOrder = '$setElementOrder/';

const mergeSet = (current: unknown[], additions: unknown[]): unknown[] => [
  ...new Set([...current, ...additions]),
];

/** Where each of them stands first. Lists are as long as their sender likes: nothing may look through one for every item. */
function firstPlaces(ids: unknown[]): Map<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [place, id] of ids.entries()) if (!places.has(id)) places.set(id, place);
  return places;
}

/** Puts the items into the order that the patch asks for; those it does not name keep their places behind. */
function sortByOrder(items: unknown[], order: unknown[], identify: (item: unknown) => unknown): unknown[] {
  const places = firstPlaces(order.map(identify));
  const rank = (item: unknown) => places.get(identify(item)) ?? order.length;
  return items.toSorted((a, b) => rank(a) - rank(b));
}

type KeyedItem = { id: unknown; action: unknown; content: JsonObject };

function parseItem(field: string, key: string, item: unknown): KeyedItem {
  if (!isJsonObject(item)) throw badPatch(`invalid patch: ${field} holds something else than objects`);
  const { $patch: action, ...content } = item;
  const id = findOwn(content, key);
  if (id !== undefined) return { id, action, content };
  throw badPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
}

const idOf = (item: unknown, key: string) => (isJsonObject(item) ? findOwn(item, key) : undefined);

function mergeKeyedList(field: string, key: string, current: unknown[], patch: unknown[]): unknown[] {
  const directive = patch.find(
    (item) => isJsonObject(item) && item.$patch === 'replace' && item[key] === undefined,
  );
  if (directive !== undefined) return patch.filter((item) => item !== directive);
  const items = patch.map((item) => parseItem(field, key, item));
  const deleted = new Set(items.filter(({ action }) => action === 'delete').map(({ id }) => id));
  const merged = current.filter((item) => !deleted.has(idOf(item, key)));
  const places = firstPlaces(merged.map((item) => idOf(item, key)));
  for (const { id, action, content } of items) {
    if (action === 'delete') continue;
    const place = places.get(id);
    if (place === undefined) {
      places.set(id, merged.length);
      merged.push(mergeStrategic({}, content));
    } else merged[place] = action === 'replace' ? content : mergeStrategic(merged[place], content);
  }
  return merged;
}

function mergeList(field: string, current: unknown, patch: unknown[]): unknown[] {
  const present = Array.isArray(current) ? current : [];
  if (mergedSets.has(field)) return mergeSet(present, patch);
  const key = findOwn(mergeKeys, field);
  return key === undefined ? patch : mergeKeyedList(field, key, present, patch);
}

function applyDirectives(merged: Map<string, unknown>, patch: JsonObject): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!Array.isArray(value)) continue;
    if (name.startsWith(deleteFromList)) {
      const field = name.slice(deleteFromList.length);
      const list = merged.get(field);
      const deleted = new Set<unknown>(value);
      if (Array.isArray(list))
        merged.set(
          field,
          list.filter((item) => !deleted.has(item)),
        );
    }
    if (name.startsWith(elementOrder)) {
      const field = name.slice(elementOrder.length);
      const list = merged.get(field);
      const key = findOwn(mergeKeys, field);
      const identify = (item: unknown) => (key === undefined ? item : (idOf(item, key) ?? item));
      if (Array.isArray(list)) merged.set(field, sortByOrder(list, value, identify));
    }
  }
  if (!Array.isArray(patch.$retainKeys)) return;
  const retained = new Set<unknown>(patch.$retainKeys);
  for (const field of merged.keys()) if (!retained.has(field)) merged.delete(field);
}

/** Strategic merge patch, with the merge keys of Jobs and pods. Throws StatusError 400. */
export function mergeStrategic(current: unknown, patch: JsonObject): JsonObject {
  if (patch.$patch === 'delete') return {};
  const { $patch: action, ...fields } = patch;
  if (action === 'replace') return fields;
  if (action !== undefined && action !== 'merge')
    throw badPatch(`unknown patch type: ${JSON.stringify(action)}`);
  const merged = new Map(Object.entries(isJsonObject(current) ? current : {}));
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('$')) continue;
    if (value === null) merged.delete(field);
    else if (Array.isArray(value)) merged.set(field, mergeList(field, merged.get(field), value));
    else if (isJsonObject(value)) merged.set(field, mergeStrategic(merged.get(field), value));
    else merged.set(field, value);
  }
  applyDirectives(merged, fields);
  return Object.fromEntries(merged);
}
