import type { Fault } from './app-error.ts';
import type { JobSpec } from './job-request.ts';
import { parseQuantity } from './quantity.ts';

/** What the owner of the service lets jobs run and take; undefined: no bound of ours. */
export type SpecPolicy = {
  /** Each an image as it is written, or a beginning of one with `*` after it. */
  images: readonly string[];
  requireDigest: boolean;
  cpu: string | undefined;
  memory: string | undefined;
  parallelism: number | undefined;
  activeDeadlineSeconds: number | undefined;
  ttlSecondsAfterFinished: number | undefined;
};

const digest = /@sha256:[0-9a-f]{64}$/;

/** Every fault of a spec that goes beyond the policy, each at its field of the request. */
export function findPolicyFaults(policy: SpecPolicy, spec: JobSpec): Fault[] {
  return [
    ...findImageFaults(policy, spec.image).map((detail) => ({ pointer: '/image', detail })),
    ...overLimit('/resources/cpu', policy.cpu, isMore(spec.resources.cpu, policy.cpu)),
    ...overLimit('/resources/memory', policy.memory, isMore(spec.resources.memory, policy.memory)),
    ...(['parallelism', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'] as const).flatMap((field) =>
      overLimit(`/${field}`, policy[field], spec[field] > (policy[field] ?? Infinity)),
    ),
  ];
}

/** What is wrong with an image, in the words of a fault. */
function findImageFaults(
  { images, requireDigest }: Pick<SpecPolicy, 'images' | 'requireDigest'>,
  image: string,
): string[] {
  return [
    ...(images.some((pattern) => matches(pattern, image))
      ? []
      : [`must be an allowed image: ${images.join(', ')}`]),
    ...(requireDigest && !digest.test(image) ? ['must end in its digest, "@sha256:" and 64 digits'] : []),
  ];
}

/**
 * Whether a pattern covers an image, letter by letter as both are written. Before the first slash stands the registry's host:
 * there `*` does not go beyond a slash, or `node*` would also mean `node.example.com/anything`.
 */
function matches(pattern: string, image: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.endsWith('*')) return image === pattern;
  const beginning = pattern.slice(0, -1);
  return image.startsWith(beginning) && (beginning.includes('/') || !image.includes('/'));
}

function overLimit(pointer: string, most: string | number | undefined, isOver: boolean): Fault[] {
  return isOver ? [{ pointer, detail: `must be at most ${most}` }] : [];
}

/** Both are quantities: the schemas have seen to it. */
function isMore(value: string, most: string | undefined): boolean {
  return most !== undefined && (parseQuantity(value) ?? Infinity) > (parseQuantity(most) ?? 0);
}
