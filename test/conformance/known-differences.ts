import { unsaidRequests, type UnsaidRequests } from './voice-limits.ts';

/**
 * What the local cluster does otherwise on purpose, and what of the recordings is not played again. Each entry must
 * still match something: one that has become untrue fails the suite. docs/local-cluster.md tells the same to people.
 */

/**
 * `at` matches places such as `13-validation-errors#45 .message`; in each of the recordings each pattern must match
 * one, unless it is a matter of `chance` who is quicker, as it is on a real cluster too.
 */
export type KnownDifference = {
  recordings: string[];
  at: RegExp[];
  why: string;
  chance?: true;
};
/** `only: 'local'`: a real cluster is asked. */
export type SkippedStep = { recording: string; steps: number[]; why: string; only?: 'local' };
/** Commands of the transcript, as `section / title`. */
export type SkippedCommand = { titles: RegExp; why: string; only?: 'local' };
export type Tables = {
  differences: KnownDifference[];
  steps: SkippedStep[];
  commands: SkippedCommand[];
  unsaid: UnsaidRequests[];
};

/**
 * A plain process has no mounts of its own: its working directory stands for the emptyDir at /m, and the path of the
 * termination message is told by a variable. The first process of a container ignores signals for which it has no
 * handler; a plain one has to be told so.
 */
export const spellCommand = (text: string): string =>
  text
    .replaceAll('/m/', './')
    .replace(/\/dev\/termination-log|\/tmp\/msg/g, '"$KUBERNETES_TERMINATION_MESSAGE_PATH"')
    .replace(/^(?!.*trap )(?=.*\bsleep )/s, "trap '' TERM; ");

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The recordings in which Jobs run. */
const told = [
  '02-minimal-job',
  '03-failing-backoff',
  '04-completions-parallelism',
  '05-indexed',
  '06-pod-failure-policy',
  '07-active-deadline',
  '08-suspend',
  '09-on-failure-restarts',
  '11-ttl',
  '12-delete',
];

const differences: KnownDifference[] = [
  {
    recordings: ['kubectl'],
    at: [/auth can-i --list, output$/],
    why: 'there is one right, which is all',
  },
  {
    recordings: ['kubectl'],
    at: [/describe pod -l job-name=hello, output$/],
    why: 'pods have no service account token',
  },
  {
    recordings: ['01-discovery'],
    at: [/#4 \.paths$/, /#16 \.paths\./, /#16 header content-type/, /#31 $/, /#32 $/],
    why: 'fewer paths and fewer parts; the OpenAPI index is sent as what it is, JSON',
  },
  {
    recordings: ['16-access'],
    at: [/#16 \.status\.reason$/, /#20 \.status\.resourceRules$/, /#20 \.status\.nonResourceRules$/],
    why: 'there is one right, which is all, and whoever knows the address has it',
  },
  {
    recordings: ['20-patch-and-update'],
    at: [/#34 (\.message|\.details\.causes)?$/, /#3[578] \.status\.active$/],
    why: 'the Job controller puts a status that others wrote right at once, before the next request',
    chance: true,
  },
  {
    recordings: ['20-patch-and-update'],
    at: [/job applied$/],
    why: 'server-side apply is refused',
  },
  {
    recordings: told,
    at: [/\.status\.ready$/],
    why: 'the Job follows its pods at once; a real controller gathers their changes for a second',
    chance: true,
  },
  {
    recordings: ['04-completions-parallelism'],
    at: [/#5 \.rows\[1\]\.cells\[[12]\]$/],
    why: 'its pods sleep for a second, and may have ended before a machine that stalls has asked',
    chance: true,
  },
  {
    recordings: ['05-indexed'],
    at: [/#1 \.(status|metadata\.finalizers)/],
    why: 'a pod has started too soon to be seen before',
    chance: true,
  },
  {
    recordings: ['05-indexed'],
    at: [/#5 \.status\.failed/, /#6 \.items$/, /(job|pods of|Job) per-index/, /Pod per-index-2-/],
    why: 'two pods that end together are counted one by one, and the third is begun in between',
    chance: true,
  },
  {
    recordings: ['07-active-deadline'],
    at: [/#2 \.rows$/],
    why: 'a pod that ends on SIGTERM is gone too soon to be seen in between',
    chance: true,
  },
  {
    recordings: ['06-pod-failure-policy'],
    at: [/(job|pods of) ignore$/],
    why: 'the Job sees its evicted pod terminating, and does not only hear of its end',
    chance: true,
  },
  {
    recordings: ['09-on-failure-restarts'],
    at: [/pods of limit-one$/, /Event of Pod limit-one-<random>: (Normal Killing|Warning BackOff)/],
    why: 'which is quicker, the Job controller or `exit 4` of the second run, is not settled',
    chance: true,
  },
  {
    recordings: ['10-stuck-pods'],
    at: [/waiting\.message$/, /Event of Pod pull-fails-<random>: Warning Failed Failed to pull/],
    why: 'says that there is no registry, where a real node says what the registry answered',
  },
  {
    recordings: ['10-stuck-pods'],
    at: [
      /job missing-configmap$/,
      /pods of missing-configmap$/,
      /Job missing-configmap: Normal Completed/,
      /Pod missing-configmap-<random>: Normal/,
    ],
    why: 'there are no ConfigMaps, so it never arrives',
  },
  {
    recordings: ['10-stuck-pods'],
    at: [/Event of Pod (non-root|missing-secret)-<random>: Normal Pulled the image, times$/],
    why: 'how often the start was tried again depends on how long one looks',
    chance: true,
  },
  {
    recordings: ['12-delete'],
    at: [/#(2|7|8) status$/],
    why: 'the garbage collector is done before one can ask',
    chance: true,
  },
  {
    recordings: ['19-termination'],
    at: [
      /pods of oom$/,
      /pods of signal-term-child$/,
      /Job signal-term-child: /,
      /pods of signal-segv$/,
      /#21 \.items\[(16|19|20)\]/,
      /#22 \.rows\[(16|20)\]/,
    ],
    why: 'limits are not enforced, and signals end a plain process as they do not end the first of a container',
  },
  {
    recordings: ['19-termination'],
    at: [/pods of sidecar$/],
    why: 'the pod is not ready to start containers once it has ended, and not before',
    chance: true,
  },
  {
    recordings: ['19-termination'],
    at: [/#24 \.(PATH|HOME|SSL_CERT_FILE|DISK|KUBERNETES_\w+)$/, /#25 \.argv\[14\]$/],
    why: 'a process of this machine has its surroundings, and there is no Service of the API',
  },
];

const steps: SkippedStep[] = [
  { recording: '01-discovery', steps: [18], why: 'there is no protobuf', only: 'local' },
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
    recording: '09-on-failure-restarts',
    steps: [9],
    why: 'whether the log of the run before is still there was chance: the recorder was too late',
  },
  {
    recording: '10-stuck-pods',
    steps: [24],
    why: 'there are no ConfigMaps',
    only: 'local',
  },
  {
    recording: '19-termination',
    steps: [16],
    why: 'memory limits are not enforced: this would take all that the machine has',
    only: 'local',
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
  { titles: /--for job\/hello$/, why: 'is refused by kubectl itself, in the words of its version' },
  { titles: /--dry-run=client/, why: 'is printed by kubectl itself, in the manner of its version' },
  { titles: /\/ api-(resources|versions)/, why: 'fewer kinds are served', only: 'local' },
  { titles: /\/ auth whoami$/, why: 'there are no users to be one of', only: 'local' },
  { titles: /cronjob|delete \/ get jobs --show-labels$/, why: 'there are no CronJobs yet', only: 'local' },
  { titles: /\/ (apply --server-side|delete job ssa)/, why: 'there is no server-side apply', only: 'local' },
  { titles: /\/ explain /, why: 'the schemas hold no descriptions', only: 'local' },
  { titles: /\/ get --raw /, why: 'kubectl leaves out the prefix of the address', only: 'local' },
];

export const differenceTables: Tables = {
  differences,
  steps,
  commands,
  unsaid: unsaidRequests,
};
