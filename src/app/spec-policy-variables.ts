import { z } from 'zod';
import { cpuSchema, jobRequestSchema, memorySchema, toJobSpec } from '../core/job-request.ts';
import { findPolicyFaults } from '../core/spec-policy.ts';
import type { SpecPolicy } from '../core/spec-policy.ts';
import { positive } from './config-values.ts';

const imagePatterns = z
  .string()
  .transform((text) => text.split(',').map((pattern) => pattern.trim()))
  .refine((patterns) => patterns.every((pattern) => /^(\*|[^\s*]+\*?)$/.test(pattern)), {
    error: 'must be images, or beginnings of images with "*" after them, separated by commas',
  });

const most = positive.optional();

/** What jobs may run and take; unset: any image, and no bound of ours. */
export const specPolicyVariables = {
  ALLOWED_IMAGES: imagePatterns.default(['*']),
  REQUIRE_IMAGE_DIGEST: z.enum(['yes', 'no'], { error: 'must be yes or no' }).default('no'),
  MAX_CPU: cpuSchema.optional(),
  MAX_MEMORY: memorySchema.optional(),
  MAX_PARALLELISM: most,
  MAX_DEADLINE_SECONDS: most,
  MAX_TTL_SECONDS: most,
};

const schema = z.object(specPolicyVariables);

export function toSpecPolicy(variables: z.output<typeof schema>): SpecPolicy {
  return {
    images: variables.ALLOWED_IMAGES,
    requireDigest: variables.REQUIRE_IMAGE_DIGEST === 'yes',
    cpu: variables.MAX_CPU,
    memory: variables.MAX_MEMORY,
    parallelism: variables.MAX_PARALLELISM,
    activeDeadlineSeconds: variables.MAX_DEADLINE_SECONDS,
    ttlSecondsAfterFinished: variables.MAX_TTL_SECONDS,
  };
}

/** Where the policy would refuse a job of nothing but a name: a sentence for each variable. */
export function findSelfRefusals(policy: SpecPolicy, workerImage: string): string[] {
  const spec = toJobSpec(jobRequestSchema.parse({ name: 'a job' }), workerImage);
  const bounds: Record<string, [variable: string, unasked: string | number]> = {
    '/resources/cpu': ['MAX_CPU', spec.resources.cpu],
    '/resources/memory': ['MAX_MEMORY', spec.resources.memory],
    '/activeDeadlineSeconds': ['MAX_DEADLINE_SECONDS', spec.activeDeadlineSeconds],
    '/ttlSecondsAfterFinished': ['MAX_TTL_SECONDS', spec.ttlSecondsAfterFinished],
  };
  return findPolicyFaults(policy, spec).map(({ pointer, detail }) => {
    const [variable, unasked] = bounds[pointer] ?? [];
    return variable === undefined
      ? `WORKER_IMAGE ${detail} (it is "${workerImage}").`
      : `${variable} must leave room for what a job gets unasked, ${unasked}.`;
  });
}
