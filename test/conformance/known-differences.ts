/**
 * What the local cluster does otherwise on purpose, and what of the recordings is not played again. Each entry must
 * still match something: one that has become untrue fails the suite. docs/local-cluster.md tells the same to people.
 */

/** `at` matches places such as `13-validation-errors#45 .message`, and begins with the recording's name. */
export type KnownDifference = { at: RegExp; why: string };
/** `only: 'local'`: a real cluster is asked. */
export type SkippedStep = { recording: string; steps: number[]; why: string; only?: 'local' };
/** Commands of the transcript, as `section / title`. */
export type SkippedCommand = { titles: RegExp; why: string; only?: 'local' };
export type Tables = { differences: KnownDifference[]; steps: SkippedStep[]; commands: SkippedCommand[] };

/**
 * A plain process has no mounts of its own. Its working directory stands for the emptyDir at /m, and the path of the
 * termination message is told by a variable.
 */
export const spellCommand = (text: string): string =>
  text
    .replaceAll('/m/', './')
    .replace(/\/dev\/termination-log|\/tmp\/msg/g, '"$KUBERNETES_TERMINATION_MESSAGE_PATH"');

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const differences: KnownDifference[] = [];

const steps: SkippedStep[] = [
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
