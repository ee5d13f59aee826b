import { setTimeout as sleep } from 'node:timers/promises';
import ms from 'ms';
import { toStopped } from './stop-signal.ts';
import { processing } from './words.ts';
import type { Outcome, Words } from './words.ts';

type Simulation = {
  durationMs: number;
  /** 0..1, the chance that the work ends with ERROR and exit code 1. */
  errorRate: number;
  /** Aborted with a signal's name, which ends the work at once. */
  stop: AbortSignal;
  tell: (words: Words) => void;
  print: (line: string) => void;
};

/** A long simulation still speaks four times a minute. */
const longestSilenceMs = 15_000;

/** Pretends to work: waits, says how far it is, and fails as often as asked. */
export async function simulate({ durationMs, errorRate, stop, tell, print }: Simulation): Promise<Outcome> {
  const steps = Math.max(10, Math.ceil(durationMs / longestSilenceMs));
  print(`Start Processing: ${ms(durationMs)}, error rate ${errorRate}`);
  for (let step = 1; step <= steps && !stop.aborted; step++) {
    await sleep(durationMs / steps, undefined, { signal: stop }).catch(() => undefined);
    if (step === steps || stop.aborted) break;
    const progress = Math.floor((100 * step) / steps);
    print(`Processing... ${progress} %`);
    tell(processing(progress));
  }
  const outcome = decideOutcome(stop, errorRate);
  print(outcome.message === null ? outcome.status : `${outcome.status}: ${outcome.message}`);
  return outcome;
}

function decideOutcome(stop: AbortSignal, errorRate: number): Outcome {
  if (stop.aborted) return toStopped(stop);
  return Math.random() < errorRate
    ? { status: 'ERROR', message: `Simulated failure (error rate ${errorRate}).`, exitCode: 1 }
    : { status: 'SUCCESS', message: null, progress: 100, exitCode: 0 };
}
