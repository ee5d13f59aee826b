import type { Job } from '../objects.ts';
import { countRanges, countWithin, parseRanges } from './index-ranges.ts';

/** The message of the first rule that the succeeded indexes meet. */
export function matchSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const { successPolicy, completions = 0 } = job.spec;
  if (succeeded.size === 0) return undefined;
  for (const [index, { succeededIndexes, succeededCount }] of (successPolicy?.rules ?? []).entries()) {
    // Counted as ranges: they may name millions of indexes, of which few have succeeded.
    const required = succeededIndexes === undefined ? undefined : parseRanges(succeededIndexes, completions);
    const matching = required === undefined ? succeeded.size : countWithin(succeeded, required);
    const needed = succeededCount ?? (required && countRanges(required));
    if (needed !== undefined && matching >= needed) return `Matched rules at index ${index}`;
  }
  return undefined;
}
