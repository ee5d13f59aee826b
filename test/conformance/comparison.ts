import type { Bindings } from './bindings.ts';
import { isObject, textAt, type Json, type JsonObject } from './json.ts';
import { alignCauses, alignItems, pairServed, servedName } from './list-pairing.ts';
import { mask, maskCell } from './masks.ts';

export type Difference = { path: string; recorded: Json | undefined; actual: Json | undefined };

export type Tolerance = {
  /** The recorder left parts out: the actual value may have more fields. */
  partial: boolean;
  /** Only requests change the objects: equal versions stay equal. Where pods run, who writes when is chance. */
  steady?: boolean;
  /** Lists are compared by the names of their items, and only where both have them: kinds differ by cluster. */
  served?: boolean;
};

/** Recorded text in place of which anything may stand: the recorder says in brackets what was there. */
const isLeftOut = (value: Json | undefined, how: Tolerance): boolean =>
  typeof value === 'string' && (value === '(left out)' || (how.partial && /^\(.*\)$/.test(value)));

/** Fields that say nothing of what a cluster does: who wrote what, a node's cgroups, and how it was built. */
const isOwn = (key: string, path: string, { served = false }: Tolerance): boolean =>
  key === 'managedFields' ||
  (key === 'resources' && path.endsWith('.status')) ||
  (served && /^(git\w+|goVersion|compiler|platform|buildDate|storageVersionHash)$/.test(key));

/** A part that the recorder only described may be anything. */
const described = '(the whole patched object as quoted JSON)';

function isLike(expected: string, actual: string): boolean {
  const [before = '', after] = expected.split(described);
  return after === undefined ? expected === actual : actual.startsWith(before) && actual.endsWith(after);
}

const uid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/**
 * Every difference between a recorded value and the actual one, after the recorder's own tokens are translated. New
 * tokens are learnt on the way: generated names and uids where they stand for the first time. A pod's
 * status.resources is what the recorder's cgroups said, and no two nodes say the same.
 */
export function compareValues(
  recorded: Json | undefined,
  actual: Json | undefined,
  bindings: Bindings,
  how: Tolerance,
) {
  const differences: Difference[] = [];
  const differ = (path: string, left: Json | undefined, right: Json | undefined) =>
    void differences.push({ path, recorded: left, actual: right });

  function compareText(left: string, right: string, path: string): void {
    if (left === right) return;
    const expected = bindings.translate(left);
    if (expected === right) return;
    const key = path.replace(/.*\./, '');
    if (key === 'resourceVersion' || key === 'continue') {
      if (left === '' || right === '') differ(path, left, right);
      bindings.relearn(left, right);
      return;
    }
    const hide = path.includes('.cells[') ? maskCell : mask;
    if (!isLike(hide(expected), hide(right))) differ(path, expected, right);
    const actualUids = right.match(uid) ?? [];
    for (const [index, token] of (left.match(uid) ?? []).entries()) {
      const other = actualUids[index];
      if (other !== undefined && !bindings.learn(token, other)) differ(path, expected, right);
    }
  }

  function compareObjects(left: JsonObject, unordered: JsonObject, path: string) {
    const right = alignCauses(left, unordered);
    learnNames(left, right, bindings);
    if (how.steady === true && !sameVersion(left, right, bindings))
      differ(`${path}.resourceVersion`, left, right);
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const mine = left[key];
      const other = right[key];
      if (isOwn(key, path, how)) continue;
      if (mine === undefined) {
        if (!how.partial) differ(`${path}.${key}`, undefined, other);
      } else compare(mine, other, `${path}.${key}`);
    }
  }

  function compareLists(left: Json[], right: Json[], path: string): void {
    // The recorder cut some lists to the names of their items.
    const namesOnly = how.partial && left.every((item) => typeof item === 'string');
    if (how.served === true && left.some((item) => servedName(item) !== ''))
      return compareServed(left, right, path);
    const items = namesOnly
      ? right.map((item) => (isObject(item) ? textAt(item, 'metadata', 'name') : item))
      : right;
    if (left.length !== items.length) differ(path, left, items);
    else {
      const inOrder = alignItems(left, items, bindings);
      left.forEach((item, index) => compare(item, inOrder[index], `${path}[${index}]`));
    }
  }

  function compareServed(left: Json[], right: Json[], path: string): void {
    for (const pair of pairServed(left, right)) compare(pair.left, pair.right, `${path}[${pair.name}]`);
  }

  function compare(left: Json | undefined, right: Json | undefined, path: string): void {
    if (isLeftOut(left, how)) return;
    if (typeof left === 'string' && typeof right === 'string') compareText(left, right, path);
    else if (isObject(left) && isObject(right)) compareObjects(left, right, path);
    else if (Array.isArray(left) && Array.isArray(right)) compareLists(left, right, path);
    else if (left !== right) differ(path, left, right);
  }

  compare(recorded, actual, '');
  return differences;
}

function learnNames(left: JsonObject, right: JsonObject, bindings: Bindings) {
  const [name, other] = [textAt(left, 'name'), textAt(right, 'name')];
  const base = textAt(left, 'generateName');
  if (base && name && other && base === textAt(right, 'generateName')) bindings.learn(name, other);
}

/** One recorded (uid, resourceVersion) is one actual version: equal ones stay equal, so a no-op is seen as one. */
function sameVersion(left: JsonObject, right: JsonObject, bindings: Bindings): boolean {
  const [version, other] = [textAt(left, 'resourceVersion'), textAt(right, 'resourceVersion')];
  const owner = textAt(left, 'uid');
  return !owner || !version || !other || bindings.learn(`${owner}@${version}`, other);
}
