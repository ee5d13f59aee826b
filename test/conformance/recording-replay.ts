import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { preparations } from './preparations.ts';
import type { Finding, Reckoning } from './reckoning.ts';
import type { Sighting } from './recording.ts';
import { describeJob, describeJobConditions, describePod } from './scenes.ts';
import { openStage, type Stage } from './stage.ts';
import { replayStep } from './step-replay.ts';
import { attemptsByTask, bindPods, groupByName, runsPodsInParallel } from './stories.ts';
import { compareStories, toRecordedEvents } from './story-comparison.ts';
import { openTheatre, type Theatre } from './theatre.ts';
import type { Voice } from './voice.ts';
import { until } from '../support/until.ts';

/** How far behind the recording a step may be made when its cue does not come. */
const patienceMs = 4_000;
/** How long a query waits for the very state that the recorder saw, once that state was reached or passed. */
const coincidenceMs = 300;
/** How long whoever changes something takes to see that its time has come; the recorder took longer. */
const readingMs = 400;

/**
 * Plays one recording again in a namespace of its own. Each request is made when the objects have come as far as
 * they had for the recorder; then the answers, and in the end the whole story of jobs, pods and Events, are compared.
 */
export async function replayRecording(
  cluster: ClusterUnderTest,
  voice: Voice,
  name: string,
  reckoning: Reckoning,
): Promise<Finding[]> {
  const theatre = await openTheatre(cluster, voice, name);
  const { recording, bindings, namespace } = theatre;
  const preparation = preparations[name];
  const stage = await openStage(voice, namespace);
  /** When the recording began, by the pace at which it is played: a step that comes late takes the later ones along. */
  let beganAt = Date.now();
  const findings: Finding[] = [];
  const later: Promise<Finding[]>[] = [];
  const isTold = recording.pods.length > 0 || recording.jobs.length > 0;
  try {
    await preparation?.before?.(theatre);
    for (const [index, { ms, request }] of recording.steps.entries()) {
      if (!request) continue;
      const isSkipped = reckoning.skips(name, index);
      if (isSkipped && !preparation?.instead?.[index]) continue;
      await preparation?.beforeStep?.[index]?.(theatre);
      const cue = { untilMs: ms, beganAt, isQuery: request.method === 'GET' };
      if (isTold) await awaitCue(theatre, stage, cue);
      // A pod is running as soon as its process is there, which may not have set its traps yet.
      if (isTold && !cue.isQuery) await sleep(readingMs);
      beganAt = Math.max(beganAt, Date.now() - ms);
      if (isSkipped) {
        await preparation?.instead?.[index]?.(theatre);
        continue;
      }
      const dueMs = recording.steps[index + 1]?.ms ?? Infinity;
      const replayed = await replayStep(theatre, index, dueMs, reckoning);
      findings.push(...replayed.findings);
      if (!replayed.later) continue;
      // It is awaited at the end; should something fail before, that is what is told.
      replayed.later.catch(() => undefined);
      later.push(replayed.later);
    }
    if (isTold) {
      const lastMs = Math.max(
        ...[...recording.jobs, ...recording.pods, ...recording.events].map(({ ms }) => ms),
      );
      await awaitCue(theatre, stage, { untilMs: lastMs, beganAt, isQuery: false });
      await awaitSilence(stage);
      // Some recordings keep no Events.
      const events = recording.events.length > 0 ? toRecordedEvents(stage.events) : [];
      const actual = { jobs: stage.jobs, pods: stage.pods, events };
      findings.push(...compareStories(name, recording, actual, bindings, { busy: cluster.kind === 'real' }));
    }
    for (const own of later) findings.push(...(await own));
    return findings;
  } finally {
    await preparation?.after?.(theatre);
    await stage.close();
  }
}

type Cue = { untilMs: number; beganAt: number; isQuery: boolean };

/** Returns when the objects are where they were at that moment of the recording, or when they will not be. */
async function awaitCue(theatre: Theatre, stage: Stage, { untilMs, beganAt, isQuery }: Cue): Promise<void> {
  const deadline = beganAt + untilMs + patienceMs;
  let passedAt: number | undefined;
  await until(
    () => {
      bindPods(theatre.recording.pods, stage.pods, theatre.bindings);
      const progress = measureProgress(theatre, stage, untilMs);
      if (progress === 'there') return true;
      if (progress === 'past') passedAt ??= Date.now();
      if (passedAt !== undefined && (!isQuery || Date.now() > passedAt + coincidenceMs)) return true;
      return Date.now() > deadline;
    },
    { timeoutMs: Math.max(deadline - Date.now(), 0) + 10_000, everyMs: 40 },
  );
}

/** `there`: every object reads as it did for the recorder; `past`: each did so at some time; else `before`. */
function measureProgress(theatre: Theatre, stage: Stage, untilMs: number): 'before' | 'there' | 'past' {
  const { recording, bindings } = theatre;
  const soFar = (sightings: Sighting[]) => sightings.filter(({ ms }) => ms <= untilMs);
  const jobs = groupByName(stage.jobs);
  const pods = attemptsByTask(stage.pods);
  let worst: 'there' | 'past' = 'there';
  const meet = (
    recorded: Sighting[],
    actual: Sighting[] | undefined,
    describe: (sighting: Sighting) => string,
  ) => {
    const [last, here] = [recorded.at(-1), actual?.at(-1)];
    if (!last) return true;
    if (!here) return false;
    if (describe(last) === describe(here)) return true;
    worst = 'past';
    return actual?.some((sighting) => describe(sighting) === describe(last)) ?? false;
  };
  for (const [name, sightings] of groupByName(soFar(recording.jobs))) {
    // In what order parallel pods are counted is chance; their counts may never read as they did.
    const describe = runsPodsInParallel(sightings) ? describeJobConditions : describeJob;
    if (!meet(sightings, jobs.get(bindings.translate(name)), describe)) return 'before';
  }
  for (const [task, attempts] of attemptsByTask(soFar(recording.pods))) {
    const own = pods.get(bindings.translate(task)) ?? [];
    for (const [index, { sightings }] of attempts.entries()) {
      if (!meet(sightings, own[index]?.sightings, describePod)) return 'before';
    }
  }
  return worst;
}

/** Whatever comes after the last recorded scene comes soon; stuck pods are never silent, so there is an end to it. */
async function awaitSilence({ jobs, pods, events }: Stage): Promise<void> {
  const began = Date.now();
  let seen = -1;
  let quietSince = began;
  await until(
    () => {
      const count = jobs.length + pods.length + events.length;
      if (count !== seen) [seen, quietSince] = [count, Date.now()];
      return Date.now() > quietSince + 1_200 || Date.now() > began + 4_000;
    },
    { everyMs: 100 },
  );
}
