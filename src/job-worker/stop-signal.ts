import { constants } from 'node:os';
import type { Outcome } from './words.ts';

/** The signals that end a run; main.ts aborts the run's AbortSignal with the name of the one that came. */
export const stopSignals = ['SIGTERM', 'SIGINT'] as const;
export type StopSignal = (typeof stopSignals)[number];

export function signalOf(stop: AbortSignal): StopSignal {
  return stopSignals.find((name) => name === stop.reason) ?? 'SIGTERM';
}

/** The exit code that a shell gives for a process ended by that signal. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The outcome of work that was asked to stop and did. */
export function toStopped(stop: AbortSignal): Outcome {
  const signal = signalOf(stop);
  return { status: 'ERROR', message: `Stopped by ${signal}.`, exitCode: exitCodeOf(signal) };
}
