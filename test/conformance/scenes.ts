import { dig, listAt, objectAt, textAt, type Json } from './json.ts';
import { maskNames } from './masks.ts';
import type { Sighting } from './recording.ts';

/** One state of an object in words: what a person would tell of it, without names, times and addresses. */
export type Scene = string;

/** Text that a registry, a runtime or the network words in its own way. */
const ownWords = new Set(['ErrImagePull', 'ImagePullBackOff']);

function describeJobAnew({ type, object }: Sighting): Scene {
  const status = objectAt(object, 'status');
  const counts = ['active', 'succeeded', 'failed', 'terminating', 'completedIndexes', 'failedIndexes'];
  const uncounted = ['succeeded', 'failed']
    .map((kind) => listAt(status, 'uncountedTerminatedPods', kind).length)
    .join('/');
  return words([
    type === 'DELETED' && 'DELETED',
    ...counts.map((count) => dig(status, count) !== undefined && `${count}=${textAt(status, count)}`),
    uncounted !== '0/0' && `uncounted=${uncounted}`,
    ...listAt(status, 'conditions').map(describeCondition),
    dig(status, 'startTime') !== undefined && 'started',
    dig(status, 'completionTime') !== undefined && 'completed',
    `generation=${textAt(object, 'metadata', 'generation')}`,
    ...describeMetadata(object),
  ]);
}

function describePodAnew({ type, object }: Sighting): Scene {
  const status = objectAt(object, 'status');
  return words([
    type === 'DELETED' && 'DELETED',
    textAt(status, 'phase'),
    textAt(status, 'reason'),
    quoted(status, 'message'),
    textAt(object, 'spec', 'nodeName') && 'bound',
    dig(status, 'startTime') !== undefined && 'started',
    // A pod's conditions have several writers, each of which puts its own in front.
    ...listAt(status, 'conditions').map(describeCondition).toSorted(),
    ...listAt(status, 'initContainerStatuses').map(describeContainer),
    ...listAt(status, 'containerStatuses').map(describeContainer),
    ...describeMetadata(object),
  ]);
}

/** Conditions in any order tell the same story: the server keeps them as a list, their writers as a map. */
export const describeJobConditions = ({ object }: Sighting): Scene =>
  words(listAt(object, 'status', 'conditions').map(describeCondition));

/** While a run is awaited the same sightings are described again and again. */
function remembered(describe: (sighting: Sighting) => Scene): (sighting: Sighting) => Scene {
  const scenes = new WeakMap<Sighting, Scene>();
  return (sighting) => {
    const scene = scenes.get(sighting) ?? describe(sighting);
    scenes.set(sighting, scene);
    return scene;
  };
}

export const describeJob = remembered(describeJobAnew);
export const describePod = remembered(describePodAnew);

function describeMetadata(object: Json): string[] {
  const metadata = objectAt(object, 'metadata');
  const finalizers = listAt(metadata, 'finalizers').map((finalizer) => textAt(finalizer));
  const deleting = dig(metadata, 'deletionTimestamp') !== undefined;
  return [
    finalizers.length > 0 ? `held by ${finalizers.join(',')}` : '',
    deleting ? `deleting in ${textAt(metadata, 'deletionGracePeriodSeconds')} s` : '',
  ];
}

function describeCondition(condition: Json): string {
  return words([
    `${textAt(condition, 'type')}=${textAt(condition, 'status')}`,
    textAt(condition, 'reason') && `(${textAt(condition, 'reason')})`,
    quoted(condition, 'message'),
  ]);
}

function describeContainer(container: Json): string {
  const restarts = textAt(container, 'restartCount');
  const last = describeState(objectAt(container, 'lastState'));
  return words([
    `${textAt(container, 'name')}:`,
    describeState(objectAt(container, 'state')),
    last && `after ${last}`,
    textAt(container, 'ready') === 'true' && 'ready',
    restarts !== '0' && `restarts=${restarts}`,
  ]);
}

function describeState(state: Json): string {
  const waiting = dig(state, 'waiting');
  const terminated = dig(state, 'terminated');
  if (dig(state, 'running') !== undefined) return 'running';
  if (waiting !== undefined) {
    const reason = textAt(waiting, 'reason');
    return words(['waiting', reason, !ownWords.has(reason) && quoted(waiting, 'message')]);
  }
  if (terminated === undefined) return '';
  return words([
    `exit ${textAt(terminated, 'exitCode')}`,
    textAt(terminated, 'reason'),
    quoted(terminated, 'message'),
    textAt(terminated, 'startedAt').startsWith('1970') && 'never started',
  ]);
}

const quoted = (value: Json, key: string): string => {
  const text = textAt(value, key);
  return text && JSON.stringify(maskNames(text));
};

const words = (parts: (string | false)[]): string => parts.filter(Boolean).join(' ');
