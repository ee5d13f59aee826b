import { AppError } from '../core/app-error.ts';
import { ConfigError } from './config.ts';

/** EX_CONFIG of sysexits.h: the same call again, with the same variables, would not help. */
export const configurationFault = 78;

/**
 * Says what went wrong, in one sentence where it was foreseen, and gives the exit code of it. Outside of a request `invalid` is what
 * the variables or the command line lead to: a kubeconfig that is none, a database that is another program's.
 */
export function tellFault(error: unknown): number {
  const isForeseen = error instanceof AppError || error instanceof ConfigError;
  console.error(isForeseen ? error.message : error);
  const isConfiguration =
    error instanceof ConfigError || (error instanceof AppError && error.code === 'invalid');
  return isConfiguration ? configurationFault : 1;
}
