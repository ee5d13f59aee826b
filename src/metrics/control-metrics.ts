import { holdReasons } from '../control/holds.ts';
import type { ControlHealth } from '../core/readiness.ts';
import type { Readings } from './readings.ts';

type Watch = NonNullable<ControlHealth['watches']>['jobs'];
type Loop = ControlHealth['loops'][string];

/** How the work with the cluster goes. Before the cluster is known there is nothing to tell but that. */
export function addControlMetrics({ gauge, counter }: Readings, readiness: () => ControlHealth): void {
  /** One number of each watch, left out while it is null. */
  const ofWatches = (read: (watch: Watch) => number | null) => () =>
    toSamples('resource', readiness().watches ?? {}, read);
  const ofLoops = (read: (loop: Loop) => number | null) => () => toSamples('loop', readiness().loops, read);

  gauge({
    name: 'jobspawn_ready',
    help: '1 once the first look at the cluster is done.',
    read: () => Number(readiness().ready),
  });
  gauge({
    name: 'jobspawn_degraded',
    help: 'How many things do not work now; /readyz says which.',
    read: () => readiness().degraded.length,
  });

  gauge({
    name: 'jobspawn_watch_last_sync_timestamp_seconds',
    help: 'When the last complete list came.',
    labels: ['resource'],
    read: ofWatches(({ lastSyncAt }) => toSeconds(lastSyncAt)),
  });
  gauge({
    name: 'jobspawn_watch_lag_seconds',
    help: 'Time since the last sign that the watch is current: a complete list, an event or a bookmark.',
    labels: ['resource'],
    read: ofWatches(({ lagSeconds }) => lagSeconds),
  });
  counter({
    name: 'jobspawn_watch_restarts_total',
    help: 'Lists and watches that failed.',
    labels: ['resource'],
    read: ofWatches(({ restarts }) => restarts),
  });
  counter({
    name: 'jobspawn_watch_faults_total',
    help: 'Objects that could not be read, or whose listener threw.',
    labels: ['resource'],
    read: ofWatches(({ faults }) => faults),
  });

  gauge({
    name: 'jobspawn_observations_owed',
    help: 'What was seen in the cluster and could not be stored yet.',
    read: () => readiness().observations?.owed ?? 0,
  });
  counter({
    name: 'jobspawn_observation_faults_total',
    help: 'Observations that could not be stored at once.',
    read: () => readiness().observations?.faults ?? 0,
  });
  gauge({
    name: 'jobspawn_orphans',
    help: 'Kubernetes Jobs with our label that belong to no row.',
    read: () => readiness().observations?.orphans ?? 0,
  });

  counter({
    name: 'jobspawn_dispatch_outcomes_total',
    help: 'Tries to create a Kubernetes Job, by outcome.',
    labels: ['outcome'],
    read: () => toSamples('outcome', readiness().dispatch?.outcomes ?? {}, (count) => count),
  });
  gauge({
    name: 'jobspawn_dispatch_held',
    help: '1 for the reason for which nothing is created now.',
    labels: ['reason'],
    read: () => {
      const held = readiness().dispatch?.held;
      return holdReasons.map((reason) => [{ reason }, Number(reason === held)]);
    },
  });

  counter({
    name: 'jobspawn_loop_runs_total',
    help: 'Runs of a loop that ended, well or not.',
    labels: ['loop'],
    read: ofLoops(({ runs }) => runs),
  });
  counter({
    name: 'jobspawn_loop_failures_total',
    help: 'Runs of a loop that failed.',
    labels: ['loop'],
    read: ofLoops(({ failures }) => failures),
  });
  gauge({
    name: 'jobspawn_loop_last_success_timestamp_seconds',
    help: 'When a run of a loop last ended well.',
    labels: ['loop'],
    read: ofLoops(({ lastSuccessAt }) => toSeconds(lastSuccessAt)),
  });
}

function toSamples<T>(
  label: string,
  values: Record<string, T>,
  read: (value: T) => number | null,
): [Record<string, string>, number][] {
  return Object.entries(values).flatMap(([name, value]) => {
    const number = read(value);
    return number === null ? [] : [[{ [label]: name }, number]];
  });
}

function toSeconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1000;
}
