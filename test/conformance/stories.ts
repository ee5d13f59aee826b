import type { Bindings } from './bindings.ts';
import { describeJob, describeJobConditions, describePod, type Scene } from './scenes.ts';
import { dig, listAt, textAt, type Json } from './json.ts';
import type { Sighting } from './recording.ts';

/** One pod's life: an attempt at a task. */
export type Attempt = { name: string; sightings: Sighting[] };

const fold = (scenes: Scene[]): Scene[] => scenes.filter((scene, index) => scene !== scenes[index - 1]);

export function groupByName(sightings: Sighting[]): Map<string, Sighting[]> {
  const groups = new Map<string, Sighting[]>();
  for (const sighting of sightings) {
    if (!sighting.name || sighting.type === 'BOOKMARK') continue;
    const group = groups.get(sighting.name);
    if (group) group.push(sighting);
    else groups.set(sighting.name, [sighting]);
  }
  return groups;
}

/** The Job's name, and for an Indexed Job the index. */
function taskOf(pod: Json): string {
  const job = textAt(pod, 'metadata', 'labels', 'batch.kubernetes.io/job-name');
  const index = textAt(pod, 'metadata', 'annotations', 'batch.kubernetes.io/job-completion-index');
  return index ? `${job}#${index}` : job;
}

/** Pods in order of their birth, per task. */
export function attemptsByTask(pods: Sighting[]): Map<string, Attempt[]> {
  const tasks = new Map<string, Attempt[]>();
  for (const [name, sightings] of groupByName(pods)) {
    const task = taskOf(sightings[0]?.object ?? null);
    const attempts = tasks.get(task) ?? [];
    attempts.push({ name, sightings });
    tasks.set(task, attempts);
  }
  return tasks;
}

/** Binds recorded pods to actual ones, attempt by attempt. Called again while a run goes on: what is bound stays. */
export function bindPods(recorded: Sighting[], actual: Sighting[], bindings: Bindings): void {
  const here = attemptsByTask(actual);
  for (const [task, attempts] of attemptsByTask(recorded)) {
    const own = here.get(bindings.translate(task)) ?? [];
    attempts.forEach(({ name, sightings }, index) => {
      const other = own[index];
      if (!other || bindings.find(name)) return;
      bindings.learn(name, other.name);
      const [uid = '', otherUid = ''] = [sightings, other.sightings].map((list) =>
        textAt(list[0]?.object, 'metadata', 'uid'),
      );
      if (uid && otherUid) bindings.learn(uid, otherUid);
    });
  }
}

/** Whether a Job's pods may overlap: then the order in which they are counted is chance. */
export const runsPodsInParallel = (job: Sighting[]): boolean =>
  job.some(
    ({ object }) =>
      Number(textAt(object, 'spec', 'parallelism')) > 1 || Number(textAt(object, 'status', 'active')) > 1,
  );

/**
 * The story of a Job. With one pod at a time each update counts; `ready` is never told, since a short pod may
 * or may not be caught being ready. With several at a time: the conditions in their order, and the last scene.
 */
export function tellJob(job: Sighting[], parallel: boolean): Scene[] {
  if (!parallel) return fold(job.map(describeJob));
  return [...fold(job.map(describeJobConditions)), ...job.slice(-1).map(describeJob)];
}

export const tellPod = (pod: Sighting[]): Scene[] => fold(pod.map(describePod));

/**
 * A kubelet that is busy writes one status where an idle one writes several; so these scenes may be missing: the
 * start of the sandbox, and the run of a container that ends at once.
 */
const mayBeMissed = (scene: Scene): boolean =>
  /^Pending .*waiting (ContainerCreating|PodInitializing)/.test(scene) ||
  /^Running .*: running ready/.test(scene);

/** A container that ended before a busy kubelet had told that it runs is told of in the phase from before. */
const isSame = (left: Scene, right: Scene): boolean =>
  left.replace(/^Pending(?=.*main: exit)/, 'Running') ===
  right.replace(/^Pending(?=.*main: exit)/, 'Running');

/** A stuck pod goes through the same scenes for ever; the recorder looked away at some time. */
const isRepeat = (scene: Scene, recorded: Scene[]): boolean =>
  scene.startsWith('Pending') && recorded.includes(scene);

/**
 * Where two stories part, or undefined. `busy`: the actual one may miss scenes as well, not only the recorded one.
 */
export function findParting(recorded: Scene[], actual: Scene[], busy: boolean) {
  let [mine, other] = [0, 0];
  while (mine < recorded.length || other < actual.length) {
    const [left, right] = [recorded[mine], actual[other]];
    if (left !== undefined && right !== undefined && isSame(left, right)) {
      mine += 1;
      other += 1;
    } else if (left === undefined && right !== undefined && isRepeat(right, recorded)) other += 1;
    else if (right !== undefined && mayBeMissed(right) && !recorded.slice(mine).includes(right)) other += 1;
    else if (busy && left !== undefined && mayBeMissed(left)) mine += 1;
    else return { recorded: left ?? '(nothing more)', actual: right ?? '(nothing more)' };
  }
  return undefined;
}

/** The delays from the end of an attempt's containers to the birth of the next attempt, in ms. */
export function retryDelays(attempts: Attempt[]): number[] {
  return attempts.slice(1).map((attempt, index) => {
    const ends = listAt(attempts[index]?.sightings.at(-1)?.object, 'status', 'containerStatuses').map(
      (container) => Date.parse(textAt(dig(container, 'state'), 'terminated', 'finishedAt')),
    );
    const born = Date.parse(textAt(attempt.sightings[0]?.object, 'metadata', 'creationTimestamp'));
    return born - Math.max(...ends);
  });
}
