import type { ResourceName, ResourceObjects } from './objects.ts';
import type { Change } from './registry-contract.ts';

type Entry<R extends ResourceName> = { change: Change<R>; size: number };

type Lane<R extends ResourceName> = {
  /** Oldest first. */
  entries: Entry<R>[];
  /** Versions below this one are gone: what happened since cannot be told. */
  oldest: number;
};

export type HistoryBounds = {
  /** Changes kept per resource. */
  historySize: number;
  /** Of the JSON of all changes that are kept, of all resources. */
  historyBytes: number;
};

/** The last changes. Watches start from here, and pages of a list are taken out of the past with it. */
export type ChangeHistory = {
  /** `size` is the length of the object's JSON. */
  remember: <R extends ResourceName>(resource: R, change: Change<R>, size: number) => void;
  /** Oldest first; undefined when the history does not reach back so far. */
  since: <R extends ResourceName>(resource: R, version: number) => Change<R>[] | undefined;
  oldest: (resource: ResourceName) => number;
};

const versionOf = (object: ResourceObjects[ResourceName]) => Number(object.metadata.resourceVersion);

/** `version` is the one from which it is told what happens. */
export function createChangeHistory(
  version: number,
  { historySize, historyBytes }: HistoryBounds,
): ChangeHistory {
  const emptyLane = <R extends ResourceName>(): Lane<R> => ({ entries: [], oldest: version });
  const lanes: { [R in ResourceName]: Lane<R> } = {
    namespaces: emptyLane(),
    jobs: emptyLane(),
    pods: emptyLane(),
    events: emptyLane(),
  };
  let total = 0;

  function drop(lane: Lane<ResourceName>, count: number): void {
    const dropped = lane.entries.splice(0, count);
    for (const { size } of dropped) total -= size;
    const last = dropped.at(-1);
    if (last !== undefined) lane.oldest = versionOf(last.change.object);
  }

  /** The lane whose first change is the oldest of all. */
  function findOldestLane(): Lane<ResourceName> | undefined {
    const firstOf = ({ entries: [first] }: Lane<ResourceName>) =>
      first === undefined ? Infinity : versionOf(first.change.object);
    const all: Lane<ResourceName>[] = Object.values(lanes);
    return all.toSorted((a, b) => firstOf(a) - firstOf(b))[0];
  }

  return {
    remember(resource, change, size) {
      const lane = lanes[resource];
      lane.entries.push({ change, size });
      total += size;
      // Not at every change: taking the first out of a list moves all the others.
      if (lane.entries.length > historySize * 1.25) drop(lane, lane.entries.length - historySize);
      while (total > historyBytes) {
        const oldest = findOldestLane();
        if (oldest === undefined) return;
        drop(oldest, 1);
      }
    },
    since(resource, since) {
      const { entries, oldest } = lanes[resource];
      if (since < oldest) return undefined;
      const first = entries.findIndex(({ change }) => versionOf(change.object) > since);
      return first === -1 ? [] : entries.slice(first).map(({ change }) => change);
    },
    oldest: (resource) => lanes[resource].oldest,
  };
}
