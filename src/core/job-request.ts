import { z } from 'zod';
import { jobIdSchema } from './report.ts';

const int32 = 2 ** 31 - 1;
/** Linux refuses a single argument or variable of 128 KiB and more at exec. */
const longestArgument = 128 * 1024 - 1;

/** JSON can name half of a surrogate pair, which no UTF-8 can hold: what is stored, shown and run would be another text. */
const unicode = z.string().refine((text) => text.isWellFormed(), { error: 'must be valid Unicode' });

function argumentOf(text: z.ZodString) {
  return text
    .refine((words) => Buffer.byteLength(words) <= longestArgument, { error: 'must be shorter than 128 KiB' })
    .refine((words) => !words.includes('\0'), { error: 'must not contain a NUL character' });
}

/** Of arguments, and of variables. */
const mostEntries = 1000;

const variableName = z
  .string()
  .regex(/^[A-Za-z_.-][A-Za-z0-9_.-]*$/, {
    error: 'must be a variable name of letters, digits, "_", "-" and "."',
  })
  .refine((name) => !/^(JOBSPAWN|CLOUD_RUN)_/.test(name), { error: 'is set by Jobspawn itself' });

const variablesOf = (text: z.ZodString) => z.record(variableName, argumentOf(text));

/** The one name that a record drops without a word. What is no record is left to the record to refuse. */
function refuseProto(input: Record<string, string>, context: z.RefinementCtx): Record<string, string> {
  if (typeof input === 'object' && input !== null && Object.hasOwn(input, '__proto__')) {
    context.addIssue({
      code: 'custom',
      path: ['__proto__'],
      message: 'is not a name that a variable can have',
    });
  }
  return input;
}

/** To be asked before any variable is looked at: each of a hundred thousand may have a fault. A list stops by itself, a record does not. */
export function refuseTooMany(count: number, context: z.RefinementCtx): void {
  if (count > mostEntries)
    context.addIssue({ code: 'custom', message: `must have at most ${mostEntries} entries` });
}

function countFirst(input: Record<string, string>, context: z.RefinementCtx): Record<string, string> {
  if (isPlain(input)) refuseTooMany(Object.keys(input).length, context);
  return refuseProto(input, context);
}

export const cpuSchema = z.string().regex(/^(?=.*[1-9])(\d{1,4}(\.\d{1,3})?|\d{1,7}m)$/, {
  error: 'must be a number of cores above 0, such as "2", "0.5" or "500m"',
});
export const memorySchema = z.string().regex(/^(?=.*[1-9])\d{1,15}(Ki|Mi|Gi|Ti|k|M|G|T)?$/, {
  error: 'must be a number of bytes above 0, such as "128Mi" or "1G"',
});

/** Free text in any script, but one line of it. */
const jobName = unicode
  .trim()
  .min(1)
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), { error: 'must not contain control characters' });

const specFieldsOf = (text: z.ZodString) => ({
  image: text
    .min(1)
    .max(512)
    .regex(/^[^\s\p{Cc}]+$/u, { error: 'must be an image reference without spaces' })
    .nullable()
    .default(null),
  command: z.array(argumentOf(text)).max(mostEntries).default([]).describe("Replaces the image's entrypoint"),
  args: z.array(argumentOf(text)).max(mostEntries).default([]).describe("Replaces the image's CMD"),
  env: z.transform(refuseProto).pipe(variablesOf(text)).default({}),
  resources: z
    .strictObject({
      cpu: cpuSchema.default('100m'),
      memory: memorySchema.default('128Mi'),
    })
    .prefault({}),
  parallelism: z.int().min(1).max(1000).default(1),
  completions: z.int().min(1).max(100_000).default(1),
  completionMode: z.enum(['NonIndexed', 'Indexed']).default('NonIndexed'),
  backoffLimit: z.int().min(0).max(1000).default(0),
  restartPolicy: z.enum(['Never', 'OnFailure']).default('Never'),
  activeDeadlineSeconds: z.int().min(1).max(int32).default(900),
  ttlSecondsAfterFinished: z.int().min(60).max(int32).default(3600),
  priority: z.int().min(-100).max(100).default(0).describe('Within our queue; higher goes first'),
});

/** What a job runs and how; the defaults are those of the contract. `image` null means the configured worker image. */
const specFields = specFieldsOf(z.string());

/** The body of `POST /api/v1/jobs`. */
export const jobRequestSchema = z.strictObject({
  id: jobIdSchema.optional(),
  name: jobName,
  // What is unicode, and how many variables there are, is not in the spec: a job that was accepted before this was asked can still be read.
  ...specFieldsOf(unicode),
  env: z
    .transform(countFirst)
    .pipe(variablesOf(unicode).meta({ maxProperties: mostEntries }))
    .default({}),
});
export type JobRequest = z.output<typeof jobRequestSchema>;

/** The spec as it is stored and shown: every default filled in, the image resolved. */
export const jobSpecSchema = z.strictObject({ ...specFields, image: z.string() });
export type JobSpec = z.output<typeof jobSpecSchema>;

const defaults = z.object(specFields).parse({});

/**
 * What was asked for, without what would have been the same anyway. So two requests that mean the same look the same, and go on
 * doing so when a later version knows another field.
 */
export function toAsked(request: JobRequest): unknown {
  return without(defaults, request);
}

function without(common: unknown, value: unknown): unknown {
  if (!isPlain(value) || !isPlain(common)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([field, part]) => part !== common[field] && JSON.stringify(part) !== JSON.stringify(common[field]),
      )
      .map(([field, part]) => [field, without(common[field], part)]),
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function toJobSpec(request: JobRequest, workerImage: string): JobSpec {
  const { id: _id, name: _name, image, ...spec } = request;
  return { image: image ?? workerImage, ...spec };
}
