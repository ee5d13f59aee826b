import type { Bindings } from './bindings.ts';
import { dig, textAt } from './json.ts';
import type { Finding } from './reckoning.ts';
import type { RecordedEvent, Sighting } from './recording.ts';
import { maskNames } from './masks.ts';
import {
  attemptsByTask,
  findParting,
  groupByName,
  retryDelays,
  runsPodsInParallel,
  tellJob,
  tellPod,
  type Attempt,
} from './stories.ts';

export type Story = { jobs: Sighting[]; pods: Sighting[]; events: RecordedEvent[] };

/** `busy`: scenes that a busy kubelet does not write may be missing from the actual story as well. */
export type Leniency = { busy: boolean };

/** Holds what happened to jobs and pods against the recording: order of scenes, Events, and retry delays. */
export function compareStories(
  name: string,
  recorded: Story,
  actual: Story,
  bindings: Bindings,
  how: Leniency,
): Finding[] {
  return [
    ...compareJobs(name, recorded.jobs, actual.jobs, bindings, how),
    ...comparePods(name, recorded.pods, actual.pods, bindings, how),
    ...compareEvents(
      name,
      recorded.events.map((event) => translateNode(event, bindings)),
      actual.events,
    ),
  ];
}

function compareJobs(
  name: string,
  recorded: Sighting[],
  actual: Sighting[],
  bindings: Bindings,
  how: Leniency,
): Finding[] {
  const here = groupByName(actual);
  return [...groupByName(recorded)].flatMap(([job, sightings]): Finding[] => {
    const own = here.get(bindings.translate(job));
    const at = `${name} job ${maskNames(job)}`;
    if (!own) return [{ at, recorded: 'a job', actual: 'none' }];
    const parallel = runsPodsInParallel(sightings);
    const parting = findParting(tellJob(sightings, parallel), tellJob(own, parallel), how.busy);
    return parting ? [{ at, ...parting }] : [];
  });
}

function comparePods(
  name: string,
  recorded: Sighting[],
  actual: Sighting[],
  bindings: Bindings,
  how: Leniency,
): Finding[] {
  const here = attemptsByTask(actual);
  return [...attemptsByTask(recorded)].flatMap(([task, attempts]): Finding[] => {
    const own = here.get(bindings.translate(task)) ?? [];
    const at = `${name} pods of ${maskNames(task)}`;
    if (own.length !== attempts.length)
      return [{ at: `${at}, count`, recorded: attempts.length, actual: own.length }];
    return [...compareAttempts(at, attempts, own, how), ...compareDelays(at, attempts, own)];
  });
}

/** Which of several pods of a Job is which is chance: each recorded story takes the actual one that is like it. */
function compareAttempts(at: string, recorded: Attempt[], actual: Attempt[], how: Leniency): Finding[] {
  const left = actual.map(({ sightings }) => tellPod(sightings));
  const unmatched = recorded.filter(({ sightings }) => {
    const story = tellPod(sightings);
    const match = left.findIndex((other) => !findParting(story, other, how.busy));
    if (match >= 0) left.splice(match, 1);
    return match < 0;
  });
  return unmatched.flatMap(({ sightings }, index) => {
    const parting = findParting(tellPod(sightings), left[index] ?? [], how.busy);
    return parting ? [{ at, ...parting }] : [];
  });
}

/** Where a back-off was the point it is one here too; where a retry came at once, it does. Finish times are in seconds. */
function compareDelays(at: string, recorded: Attempt[], actual: Attempt[]): Finding[] {
  const delays = retryDelays(actual);
  return retryDelays(recorded).flatMap((delay, index) => {
    const own = delays[index];
    if (own === undefined || Number.isNaN(delay) || Math.abs(delay) === Infinity) return [];
    const [least, most] = delay >= 9_000 ? [delay - 1_500, delay + 6_000] : [-Infinity, 7_000];
    return own >= least && own <= most ? [] : [{ at: `${at}, delay in ms`, recorded: delay, actual: own }];
  });
}

/** How often these come depends on how long one looks. */
const repeating = new Set([
  'BackOff',
  'FailedScheduling',
  'Pulling',
  'Failed',
  'FailedMount',
  'FailedCreate',
  'InspectFailed',
  'ErrImageNeverPull',
  'DeadlineExceeded',
]);
/** Where the image is not on the node yet these come in addition. */
const ofThePull = /^(Pulling|Pulled)$/;

/** Of all names in a message only the node's is not random. */
const translateNode = (event: RecordedEvent, bindings: Bindings): RecordedEvent => ({
  ...event,
  message: event.message.replaceAll('node-1', bindings.find('node-1') ?? 'node-1'),
});

function compareEvents(name: string, recorded: RecordedEvent[], actual: RecordedEvent[]): Finding[] {
  const expected = countEvents(recorded);
  const seen = countEvents(actual);
  return [...new Set([...expected.keys(), ...seen.keys()])].flatMap((key): Finding[] => {
    const [wanted, own] = [expected.get(key), seen.get(key)];
    const at = `${name} Event of ${key}`;
    if (!wanted || !own) return [{ at, recorded: wanted ? 'there' : 'none', actual: own ? 'there' : 'none' }];
    if (repeating.has(own.reason) || wanted.times === own.times) return [];
    return [{ at: `${at}, times`, recorded: wanted.times, actual: own.times }];
  });
}

function countEvents(events: RecordedEvent[]) {
  const counts = new Map<string, { reason: string; times: number }>();
  const highest = new Map<string, number>();
  for (const { type, reason, message, involvedObject, count = 1 } of events) {
    const words = ofThePull.test(reason) ? 'the image' : maskNames(message);
    const key = `${involvedObject.kind} ${maskNames(involvedObject.name)}: ${type} ${reason} ${words}`;
    // An Event that is told again with a higher count is one that happened so many times.
    const one = `${key} ${involvedObject.name} ${message}`;
    const more = count - (highest.get(one) ?? 0);
    highest.set(one, Math.max(count, highest.get(one) ?? 0));
    counts.set(key, { reason, times: (counts.get(key)?.times ?? 0) + Math.max(more, 0) });
  }
  return counts;
}

/** The Events of a watch in the form in which the recordings keep them. */
export const toRecordedEvents = (sightings: Sighting[]): RecordedEvent[] =>
  sightings
    .filter(({ type }) => type === 'ADDED' || type === 'MODIFIED')
    .map(({ ms, object }) => ({
      ms,
      type: textAt(object, 'type'),
      reason: textAt(object, 'reason'),
      message: textAt(object, 'message'),
      involvedObject: {
        kind: textAt(object, 'involvedObject', 'kind'),
        name: textAt(object, 'involvedObject', 'name'),
      },
      count: Number(dig(object, 'count') ?? 1),
    }));
