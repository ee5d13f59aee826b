import { isJsonObject } from './json.ts';
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

function mergeSet(current: unknown[], additions: unknown[]): unknown[] {
  return [...current, ...additions.filter((item) => !current.includes(item))];
}

/** Puts the items into the order that the patch asks for; those it does not name keep their places behind. */
function sortByOrder(items: unknown[], order: unknown[], identify: (item: unknown) => unknown): unknown[] {
  const rank = (item: unknown) => {
    const index = order.findIndex((wanted) => identify(wanted) === identify(item));
    return index === -1 ? order.length : index;
  };
  return items.toSorted((a, b) => rank(a) - rank(b));
}

function mergeKeyedList(field: string, key: string, current: unknown[], patch: unknown[]): unknown[] {
  let merged = [...current];
  const directive = patch.find(
    (item) => isJsonObject(item) && item.$patch === 'replace' && item[key] === undefined,
  );
  if (directive !== undefined) return patch.filter((item) => item !== directive);
  for (const item of patch) {
    if (!isJsonObject(item)) throw badPatch(`invalid patch: ${field} holds something else than objects`);
    const { $patch: action, ...content } = item;
    const id = content[key];
    if (id === undefined)
      throw badPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const index = merged.findIndex((other) => isJsonObject(other) && other[key] === id);
    if (action === 'delete') merged = merged.filter((_, position) => position !== index);
    else if (index === -1) merged.push(mergeStrategic({}, content));
    else if (action === 'replace') merged[index] = content;
    else merged[index] = mergeStrategic(merged[index], content);
  }
  return merged;
}

function mergeList(field: string, current: unknown, patch: unknown[]): unknown[] {
  const present = Array.isArray(current) ? current : [];
  if (mergedSets.has(field)) return mergeSet(present, patch);
  const key = mergeKeys[field];
  return key === undefined ? patch : mergeKeyedList(field, key, present, patch);
}

function applyDirectives(merged: JsonObject, patch: JsonObject): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!Array.isArray(value)) continue;
    if (name.startsWith(deleteFromList)) {
      const field = name.slice(deleteFromList.length);
      const list = merged[field];
      if (Array.isArray(list)) merged[field] = list.filter((item) => !value.includes(item));
    }
    if (name.startsWith(elementOrder)) {
      const field = name.slice(elementOrder.length);
      const list = merged[field];
      const key = mergeKeys[field];
      const identify = (item: unknown) => (key !== undefined && isJsonObject(item) ? item[key] : item);
      if (Array.isArray(list)) merged[field] = sortByOrder(list, value, identify);
    }
  }
  const retained = patch.$retainKeys;
  if (Array.isArray(retained)) {
    for (const key of Object.keys(merged)) if (!retained.includes(key)) Reflect.deleteProperty(merged, key);
  }
}

/** Strategic merge patch, with the merge keys of Jobs and pods. Throws StatusError 400. */
export function mergeStrategic(current: unknown, patch: JsonObject): JsonObject {
  if (patch.$patch === 'delete') return {};
  const { $patch: action, ...fields } = patch;
  if (action === 'replace') return fields;
  if (action !== undefined && action !== 'merge')
    throw badPatch(`unknown patch type: ${JSON.stringify(action)}`);
  const merged: JsonObject = isJsonObject(current) ? { ...current } : {};
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('$')) continue;
    if (value === null) Reflect.deleteProperty(merged, field);
    else if (Array.isArray(value)) merged[field] = mergeList(field, merged[field], value);
    else if (isJsonObject(value)) merged[field] = mergeStrategic(merged[field], value);
    else merged[field] = value;
  }
  applyDirectives(merged, fields);
  return merged;
}
