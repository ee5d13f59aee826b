import type { Event, Job, Namespace, Pod } from '../objects.ts';

export type Row = { cells: unknown[]; conditions?: object[] };

const join = (large: number, largeUnit: string, small: number, smallUnit: string) =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/** `12s`, `5m3s`, `2h`, `3d4h`: as kubectl shows how long ago something was. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return join(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return join(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 192) return join(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 2920 ? join(years, 'y', days % 365, 'd') : `${years}y`;
}

const since = (time: string | undefined, now: number): string =>
  time === undefined ? '<unknown>' : humanDuration(now - Date.parse(time));

const isTrue = (conditions: { type: string; status: string }[] | undefined, type: string) =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

function jobStatus({ metadata, status }: Job): string {
  if (isTrue(status.conditions, 'Complete')) return 'Complete';
  if (isTrue(status.conditions, 'Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const states = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];
  return states.find((state) => isTrue(status.conditions, state)) ?? 'Running';
}

function jobCompletions({ spec, status }: Job): string {
  const succeeded = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, now: number): string {
  if (status.startTime === undefined) return '';
  const end = status.completionTime === undefined ? now : Date.parse(status.completionTime);
  return humanDuration(end - Date.parse(status.startTime));
}

export function printJob(job: Job, now: number): Row {
  const containers = job.spec.template.spec?.containers ?? [];
  const labels = Object.entries(job.spec.selector?.matchLabels ?? {}).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return {
    cells: [
      job.metadata.name,
      jobStatus(job),
      jobCompletions(job),
      jobDuration(job, now),
      since(job.metadata.creationTimestamp, now),
      containers.map(({ name }) => name).join(','),
      containers.map(({ image }) => image ?? '').join(','),
      labels.map(([key, value]) => `${key}=${value}`).join(','),
    ],
  };
}

type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number];

/** A terminated container's word: its reason, or its exit code. */
const terminatedReason = ({ reason, exitCode }: { reason?: string; exitCode: number }): string =>
  reason === undefined || reason === '' ? `ExitCode:${exitCode}` : reason;

/** What the first unfinished init container says; undefined when all are through. */
function initReason({ spec, status }: Pod): string | undefined {
  const statuses = status.initContainerStatuses ?? [];
  for (const [index, { name, state, started }] of statuses.entries()) {
    const isSidecar =
      spec.initContainers?.find((container) => container.name === name)?.restartPolicy === 'Always';
    if (state?.terminated?.exitCode === 0 || (isSidecar && started === true)) continue;
    if (state?.terminated !== undefined) return `Init:${terminatedReason(state.terminated)}`;
    const waiting = state?.waiting?.reason ?? '';
    if (waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`;
    return `Init:${index}/${spec.initContainers?.length ?? 0}`;
  }
  return undefined;
}

function containersReason(pod: Pod, fallback: string): string {
  let reason = fallback;
  const statuses = pod.status.containerStatuses ?? [];
  for (const { state } of statuses.toReversed()) {
    const waiting = state?.waiting?.reason ?? '';
    if (waiting !== '') reason = waiting;
    else if (state?.terminated !== undefined) reason = terminatedReason(state.terminated);
  }
  const running = statuses.some(({ ready, state }) => ready && state?.running !== undefined);
  if (reason !== 'Completed' || !running) return reason;
  return isTrue(pod.status.conditions, 'Ready') ? 'Running' : 'NotReady';
}

function podStatus(pod: Pod): string {
  const phase = pod.status.phase ?? '';
  const ended = phase === 'Succeeded' || phase === 'Failed';
  if (pod.metadata.deletionTimestamp !== undefined && !ended) return 'Terminating';
  const fallback = pod.status.reason ?? phase;
  const init = initReason(pod);
  if (init === undefined) return containersReason(pod, fallback);
  return isTrue(pod.status.conditions, 'Initialized') ? containersReason(pod, init) : init;
}

function podRestarts(statuses: ContainerStatus[], now: number): string {
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ends = statuses
    .map(({ lastState }) => lastState?.terminated?.finishedAt)
    .filter((time) => time !== undefined);
  const last = ends.toSorted().at(-1);
  return restarts === 0 || last === undefined ? String(restarts) : `${restarts} (${since(last, now)} ago)`;
}

const completed = (reason: string, message: string) => [
  { type: 'Completed', status: 'True', reason, message },
];

export function printPod(pod: Pod, now: number): Row {
  const { spec, status, metadata } = pod;
  const initializing = initReason(pod) !== undefined && !isTrue(status.conditions, 'Initialized');
  const statuses = status.containerStatuses ?? [];
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const sidecarStatuses = (status.initContainerStatuses ?? []).filter(({ name }) =>
    sidecars.some((sidecar) => sidecar.name === name),
  );
  const counted = initializing ? sidecarStatuses : [...sidecarStatuses, ...statuses];
  const ready = counted.filter((container) => container.ready && container.state?.running).length;
  const cells = [
    metadata.name,
    `${ready}/${spec.containers.length + sidecars.length}`,
    podStatus(pod),
    podRestarts(initializing ? (status.initContainerStatuses ?? []) : statuses, now),
    since(metadata.creationTimestamp, now),
    status.podIP ?? '<none>',
    spec.nodeName ?? '<none>',
    status.nominatedNodeName ?? '<none>',
    '<none>',
  ];
  if (status.phase === 'Succeeded') {
    return { cells, conditions: completed('Succeeded', 'The pod has completed successfully.') };
  }
  if (status.phase === 'Failed') return { cells, conditions: completed('Failed', 'The pod failed.') };
  return { cells };
}

export const printNamespace = ({ metadata, status }: Namespace, now: number): Row => ({
  cells: [metadata.name, status?.phase ?? '', since(metadata.creationTimestamp, now)],
});

export function printEvent(event: Event, now: number): Row {
  const { involvedObject: about, source } = event;
  const first = since(event.firstTimestamp ?? event.eventTime ?? undefined, now);
  const last = event.lastTimestamp ? since(event.lastTimestamp, now) : first;
  const kind = (about.kind ?? '').toLowerCase();
  const from = source?.component ?? event.reportingComponent ?? '';
  return {
    cells: [
      last,
      event.type ?? '',
      event.reason ?? '',
      about.name === undefined ? kind : `${kind}/${about.name}`,
      about.fieldPath ?? '',
      source?.host === undefined ? from : `${from}, ${source.host}`,
      (event.message ?? '').trim(),
      first,
      event.count ?? 1,
      event.metadata.name,
    ],
  };
}
