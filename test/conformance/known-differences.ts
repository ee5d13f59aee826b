/**
 * What the local cluster does otherwise on purpose, and what of the recordings is not played again. Each entry must
 * still match something: one that has become untrue fails the suite. docs/local-cluster.md tells the same to people.
 */

/** `at` matches places such as `13-validation-errors#45 .message` or `03-failing-backoff pod fails#2 scene 4`. */
export type KnownDifference = { at: RegExp; why: string };

export type SkippedStep = {
  recording: string;
  steps: number[];
  why: string;
  /** Without it the step is skipped on a real cluster as well. */
  only?: 'local';
};

/**
 * A plain process has no mounts of its own. Its working directory stands for the emptyDir at /m, and the path of the
 * termination message is told by a variable.
 */
export const spellCommand = (text: string): string =>
  text
    .replaceAll('/m/', './')
    .replace(/\/dev\/termination-log|\/tmp\/msg/g, '"$KUBERNETES_TERMINATION_MESSAGE_PATH"');

export const knownDifferences: KnownDifference[] = [];

export const skippedSteps: SkippedStep[] = [];
