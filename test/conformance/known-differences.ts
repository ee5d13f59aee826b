/**
 * What the local cluster does otherwise on purpose, and what of the recordings is not played again. Each entry must
 * still match something: one that has become untrue fails the suite. docs/local-cluster.md tells the same to people.
 */

/** `at` matches places such as `13-validation-errors#45 .message`; in each of the recordings it must match one. */
export type KnownDifference = { recordings: string[]; at: RegExp; why: string };
/** `only: 'local'`: a real cluster is asked. */
export type SkippedStep = { recording: string; steps: number[]; why: string; only?: 'local' };
/** Commands of the transcript, as `section / title`. */
export type SkippedCommand = { titles: RegExp; why: string; only?: 'local' };
export type Tables = { differences: KnownDifference[]; steps: SkippedStep[]; commands: SkippedCommand[] };

/**
 * A plain process has no mounts of its own: its working directory stands for the emptyDir at /m, and the path of the
 * termination message is told by a variable. The first process of a container ignores signals for which it has no
 * handler; a plain one has to be told so.
 */
export const spellCommand = (text: string): string =>
  text
    .replaceAll('/m/', './')
    .replace(/\/dev\/termination-log|\/tmp\/msg/g, '"$KUBERNETES_TERMINATION_MESSAGE_PATH"')
    .replace(/^(?!.*trap )(?=.*\bsleep )/s, 'trap "" TERM; ');

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const differences: KnownDifference[] = [
  {
    recordings: ['02-minimal-job', '04-completions-parallelism'],
    at: /\.status\.ready$/,
    why: 'the Job follows its pods at once; a real controller gathers their changes for a second',
  },
  {
    recordings: ['05-indexed'],
    at: /#1 \.(status|metadata\.finalizers)/,
    why: 'a pod has started too soon to be seen before',
  },
  {
    recordings: ['05-indexed'],
    at: /#5 \.status\.failed|job per-index|pods of per-index#2|per-index-2-/,
    why: 'two pods that end together are counted one by one, and the third is begun in between',
  },
  {
    recordings: ['07-active-deadline'],
    at: /#2 \.rows$/,
    why: 'a pod that ends on SIGTERM is gone too soon to be seen in between',
  },
  {
    recordings: ['02-minimal-job', '03-failing-backoff', '05-indexed', '07-active-deadline', '12-delete'],
    at: /(\.spec\.volumes|\.volumeMounts)$/,
    why: 'pods have no service account token: there is nothing that it would open',
  },
];

const steps: SkippedStep[] = [
  { recording: '02-minimal-job', steps: [22], why: 'Events are served as core/v1 alone', only: 'local' },
  {
    recording: '04-completions-parallelism',
    steps: [1, 2],
    why: 'two pods at a time: how many have ended at a moment is chance',
  },
  {
    recording: '06-pod-failure-policy',
    steps: [3],
    why: 'there is no eviction; its two parts, a condition and a delete, are done instead',
    only: 'local',
  },
  {
    recording: '01-discovery',
    steps: [1, 25],
    why: 'asks without credentials; how much that is allowed is the choice of each cluster',
  },
  {
    recording: '16-access',
    steps: [...range(0, 13), ...range(17, 18), ...range(21, 51)],
    why: 'needs a service account with a narrow Role: whoever asks here has the rights of the kubeconfig',
  },
  {
    recording: '20-patch-and-update',
    steps: range(18, 25),
    why: 'the local cluster keeps no managed fields, and refuses server-side apply with 415',
    only: 'local',
  },
];

const commands: SkippedCommand[] = [
  { titles: /\/ version$/, why: 'prints the versions of both sides' },
  { titles: /\/ api-(resources|versions)/, why: 'the local cluster serves fewer kinds', only: 'local' },
  {
    titles: /\/ create (cron)?job .*(-- date|=server|-- true$)/,
    why: 'sends protobuf, and no JSON when that is refused',
    only: 'local',
  },
  { titles: /\/ auth /, why: 'sends protobuf, and no JSON when that is refused', only: 'local' },
  {
    titles: /delete \/ (delete job quick|get cronjobs|get jobs --show-labels|delete cronjob)/,
    why: 'needs what such a command made',
    only: 'local',
  },
];

export const differenceTables: Tables = { differences, steps, commands };
