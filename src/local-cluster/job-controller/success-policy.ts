import type { Job } from '../objects.ts';
import { parseIndexes } from './index-ranges.ts';

/** The message of the first rule that the succeeded indexes meet. */
export function matchSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const { successPolicy, completions = 0 } = job.spec;
  if (succeeded.size === 0) return undefined;
  for (const [index, { succeededIndexes, succeededCount }] of (successPolicy?.rules ?? []).entries()) {
    const required = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions);
    const matching =
      required === undefined ? succeeded.size : [...required].filter((at) => succeeded.has(at)).length;
    const needed = succeededCount ?? required?.size;
    if (needed !== undefined && matching >= needed) return `Matched rules at index ${index}`;
  }
  return undefined;
}
