import type { Bindings } from './bindings.ts';
import { describeJob, describeJobConditions, describePod, type Scene } from './scenes.ts';
import { dig, listAt, textAt, type Json } from './json.ts';
import type { Sighting } from './recording.ts';

/** The scenes of one object, in order, with repeats folded into one. */
export type Story = { name: string; scenes: Scene[] };

/** Names stand in messages: they are translated on the recorded side, so that both speak of the same objects. */
export type Speech = (scene: Scene) => Scene;
export const asIs: Speech = (scene) => scene;

export function tellStory(sightings: Sighting[], describe: (sighting: Sighting) => Scene, speech: Speech): Scene[] {
  const scenes = sightings.map((sighting) => speech(describe(sighting)));
  return scenes.filter((scene, index) => scene !== scenes[index - 1]);
}

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

/** The Job's name, and for an Indexed Job the index, of which a pod is one attempt. */
export function taskOf(pod: Json): string {
  const job = textAt(pod, 'metadata', 'labels', 'batch.kubernetes.io/job-name');
  const index = textAt(pod, 'metadata', 'annotations', 'batch.kubernetes.io/job-completion-index');
  return index ? `${job}#${index}` : job;
}

/** Pods in order of their birth, per task. */
export function podsByTask(sightings: Sighting[]): Map<string, { name: string; sightings: Sighting[] }[]> {
  const tasks = new Map<string, { name: string; sightings: Sighting[] }[]>();
  for (const [name, own] of groupByName(sightings)) {
    const task = taskOf(own[0]?.object ?? null);
    const attempts = tasks.get(task) ?? [];
    attempts.push({ name, sightings: own });
    tasks.set(task, attempts);
  }
  return tasks;
}

/**
 * Binds the names and uids of recorded pods to those of the actual ones, attempt by attempt. Called again and again
 * while the run goes on: what is bound stays bound.
 */
export function bindPods(recorded: Sighting[], actual: Sighting[], bindings: Bindings): void {
  const here = podsByTask(actual);
  for (const [task, attempts] of podsByTask(recorded)) {
    const own = here.get(bindings.translate(task)) ?? [];
    attempts.forEach(({ name, sightings }, index) => {
      const other = own[index];
      if (!other) return;
      bindings.learn(name, other.name);
      const [uid, otherUid] = [sightings, other.sightings].map((list) => textAt(list[0]?.object, 'metadata', 'uid'));
      if (uid && otherUid) bindings.learn(uid, otherUid);
    });
  }
}

/** How a Job's pods may overlap: then the order in which they are counted is chance, and only milestones compare. */
export const runsPodsInParallel = (sightings: Sighting[]): boolean =>
  sightings.some(
    ({ object }) =>
      Number(textAt(object, 'spec', 'parallelism')) > 1 || Number(textAt(object, 'status', 'active')) > 1,
  );

/**
 * The story of a Job. With one pod at a time each update counts; `ready` is never told, since a short pod may
 * or may not be caught being ready. With several at a time: the conditions in their order, and the last scene.
 */
export function tellJob(sightings: Sighting[], parallel: boolean, speech: Speech): Scene[] {
  if (!parallel) return tellStory(sightings, describeJob, speech);
  const last = sightings.at(-1);
  return [...tellStory(sightings, describeJobConditions, speech), ...(last ? [speech(describeJob(last))] : [])];
}

/**
 * A kubelet that is busy writes one status where an idle one writes several; so these scenes may be missing: the
 * start of the sandbox, and the run of a container that ends at once.
 */
export const mayBeMissed = (scene: Scene): boolean =>
  /^Pending .*waiting (ContainerCreating|PodInitializing)/.test(scene) || /^Running .*: running ready/.test(scene);

export function tellPod(sightings: Sighting[], speech: Speech): Scene[] {
  return tellStory(sightings, describePod, speech);
}

/** The delay from the end of one attempt's containers to the birth of the next, in ms. */
export function retryDelays(attempts: { sightings: Sighting[] }[]): number[] {
  return attempts.slice(1).map((attempt, index) => {
    const ends = listAt(attempts[index]?.sightings.at(-1)?.object, 'status', 'containerStatuses').map((container) =>
      Date.parse(textAt(dig(container, 'state'), 'terminated', 'finishedAt')),
    );
    const born = Date.parse(textAt(attempt.sightings[0]?.object, 'metadata', 'creationTimestamp'));
    return born - Math.max(...ends);
  });
}
