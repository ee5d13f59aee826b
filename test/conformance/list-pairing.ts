import type { Bindings } from './bindings.ts';
import { maskNames } from './masks.ts';
import { listAt, objectAt, textAt, type Json, type JsonObject } from './json.ts';

const generatedNameOf = (item: Json): string =>
  textAt(item, 'metadata', 'name') || textAt(item, 'object', 'metadata', 'name') || textAt(item, 'cells', 0);

/**
 * Lists are in order of names, and generated names fall otherwise each time: puts items beside what they stand for. A
 * name that is not known yet stands for the only one that was generated from the same base.
 */
export function alignItems(recorded: Json[], actual: Json[], bindings: Bindings): Json[] {
  const names = actual.map(generatedNameOf);
  const found = recorded.map((item) => {
    const name = generatedNameOf(item);
    const others = names.filter((other) => maskNames(name) !== name && maskNames(other) === maskNames(name));
    if (others.length === 1) bindings.learn(name, others[0] ?? '');
    const index = names.indexOf(bindings.find(name) ?? '(none)');
    return actual[index];
  });
  return found.every((item) => item !== undefined) ? found : actual;
}

/** How an entry of the discovery documents is called. */
export const servedName = (item: Json): string =>
  textAt(item, 'name') ||
  textAt(item, 'resource') ||
  textAt(item, 'subresource') ||
  textAt(item, 'groupVersion') ||
  textAt(item, 'metadata', 'name');

/** What a client of Jobs cannot do without; what else is served is each cluster's own choice. */
const essentials = new Set([
  'batch',
  'batch/v1',
  'authorization.k8s.io',
  'authorization.k8s.io/v1',
  'v1',
  'namespaces',
  'events',
  'jobs',
  'jobs/status',
  'pods',
  'pods/log',
  'pods/status',
  'log',
  'status',
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
]);

/** Pairs of entries that both serve, and those that are missing though they must not be. */
export function pairServed(
  recorded: Json[],
  actual: Json[],
): { name: string; left: Json; right: Json | undefined }[] {
  return recorded.flatMap((left) => {
    const name = servedName(left);
    const right = actual.find((item) => servedName(item) === name);
    return right === undefined && !essentials.has(name) ? [] : [{ name, left, right }];
  });
}

/**
 * Causes about the entries of one map (labels, annotations) come in the map's order, which is chance. Gives the actual
 * Status with its causes, and the message that joins them, in the recorded order where only that differs.
 */
export function alignCauses(recorded: JsonObject, actual: JsonObject): JsonObject {
  const [wanted, own] = [listAt(recorded, 'details', 'causes'), listAt(actual, 'details', 'causes')];
  const left = [...own];
  const inOrder = wanted.flatMap((cause) => {
    const index = left.findIndex((other) => sentenceOf(other) === sentenceOf(cause));
    return index < 0 ? [] : left.splice(index, 1);
  });
  const isReordered =
    wanted.length > 1 && inOrder.length === own.length && fieldsOf(wanted) === fieldsOf(own);
  if (!isReordered) return actual;
  const message = textAt(actual, 'message').replace(sentencesOf(own), () => sentencesOf(inOrder));
  return { ...actual, message, details: { ...objectAt(actual, 'details'), causes: inOrder } };
}

const sentenceOf = (cause: Json): string => `${textAt(cause, 'field')}: ${textAt(cause, 'message')}`;
const sentencesOf = (causes: Json[]): string => causes.map(sentenceOf).join(', ');
const fieldsOf = (causes: Json[]): string => causes.map((cause) => textAt(cause, 'field')).join();
