import type { Writable } from 'node:stream';
import { longestMessage } from '../core/report-limits.ts';
import { findCallback } from './callback.ts';
import type { Environment } from './callback.ts';
import { parseCommandLine, usage, UsageError } from './command-line.ts';
import type { Order } from './command-line.ts';
import { runCommand } from './command.ts';
import { createDelivery } from './delivery.ts';
import { createReporter } from './reporter.ts';
import { simulate } from './simulation.ts';
import { toStopped } from './stop-signal.ts';
import { keepTerminationMessage } from './termination-message.ts';
import { cutText, startProcessing } from './words.ts';
import type { Outcome, Words } from './words.ts';

type Run = {
  /** The arguments after the program's name. */
  argv: readonly string[];
  env: Environment;
  stdout: Writable;
  stderr: Writable;
  /** Aborted with the name of the signal that asks the worker to stop. */
  stop: AbortSignal;
};

const usageExitCode = 64;

/**
 * One unit of work, from the command line to the exit code: claim, work, leave the outcome in the termination message, and
 * report it. The code is the work's own, 0 where another pod holds the claim, 64 for a command line that is none.
 */
export async function runWorker({ argv, env, stdout, stderr, stop }: Run): Promise<number> {
  const complain = (sentence: string): void => void stderr.write(`job-worker: ${sentence}\n`);

  const order = parseOrder(argv);
  if (order instanceof UsageError) {
    complain(`${order.message}\n${usage.trimEnd()}`);
    await keepTerminationMessage(env, { status: 'ERROR', message: order.message, exitCode: usageExitCode });
    return usageExitCode;
  }
  if (order.work === 'help') {
    stdout.write(usage);
    return 0;
  }

  const callback = findCallback(order, env);
  if (callback === null)
    complain('There is no address or no job id to report to, so this run reports nowhere.');
  const reporter = createReporter(
    callback === null ? async () => ({ outcome: 'accepted' }) : createDelivery(callback),
    complain,
  );
  if (!(await reporter.claim(startProcessing, stop))) {
    complain('Another pod holds the claim on this task, so there is nothing to do here.');
    return 0;
  }

  const tell = (words: Words): void => reporter.tell(words);
  const work = async (): Promise<Outcome> => {
    if (stop.aborted) return toStopped(stop);
    if (order.work === 'exec') return runCommand({ ...order, env, stop, stdout, stderr, tell, complain });
    return simulate({ ...order, stop, tell, print: (line) => stdout.write(`${line}\n`) });
  };
  const outcome = withoutToken(await work(), callback?.token ?? null);
  // Before the report, which may take longer than the grace period of a pod that is being stopped.
  await keepTerminationMessage(env, outcome);
  const { exitCode, ...words } = outcome;
  await reporter.finish(words, stop);
  return exitCode;
}

function parseOrder(argv: readonly string[]): Order | UsageError {
  try {
    return parseCommandLine(argv);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}

/** The last lines of a command that printed its environment hold the token, and are shown to whoever may read. */
function withoutToken(outcome: Outcome, token: string | null): Outcome {
  if (outcome.message === null) return outcome;
  const message = token === null ? outcome.message : outcome.message.replaceAll(token, '<token>');
  return { ...outcome, message: cutText(message, longestMessage) };
}
