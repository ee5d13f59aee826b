import { z } from 'zod';
import {
  deepestResult,
  isNestedWithin,
  largestResult,
  longestMessage,
  longestTerminationMessage,
} from './report-limits.ts';

/** The words with which a worker ends its story; anything else is free text on the way. */
export const SUCCESS = 'SUCCESS';
export const ERROR = 'ERROR';
export type TerminalStatus = typeof SUCCESS | typeof ERROR;

/** `SUCCESS` or `Done`, and `ERROR`, in any case, are terminal. */
export function terminalOf(status: string): TerminalStatus | null {
  const word = status.trim().toUpperCase();
  if (word === SUCCESS || word === 'DONE') return SUCCESS;
  return word === ERROR ? ERROR : null;
}

/** A label value of Kubernetes, since the job id becomes one. */
export const jobIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, {
    error: 'must be 1 to 63 letters, digits, ".", "_" or "-", with a letter or digit first and last',
  })
  .describe('1 to 63 characters, a valid Kubernetes label value');

/** What no field takes: given twice in a form, a field has no value, and all faults must come together. */
const givenTwice = Symbol('given twice');

// It comes out of JSON.parse, so that little can be wrong with it: z.json(), which asks for each of its values whether it is JSON, takes ten
// times as long. The depth comes first: what looks into every level would use up the stack.
const resultSchema = z
  .unknown()
  .refine((value) => value !== givenTwice, { error: 'must be given once', abort: true })
  .refine((value) => isNestedWithin(value, deepestResult), {
    error: `must be nested at most ${deepestResult} levels deep`,
    abort: true,
  })
  .refine(hasNoInfinity, { error: 'must have no number that is too large to be kept' })
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= largestResult, {
    error: 'must be at most 64 KiB of JSON',
  });

/** JSON knows no infinity, but 1e999 is read as one. */
function hasNoInfinity(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasNoInfinity);
}

/**
 * A worker that cuts its text in the middle of a character must not lose its word for that: the half becomes U+FFFD, here and not in
 * the database, so that all who are told hear the same.
 */
const words = z.string().overwrite((text) => text.toWellFormed());

/** What a worker says through `POST /status`, as JSON. */
export const reportSchema = z.strictObject({
  'job-id': jobIdSchema,
  status: words.trim().min(1).max(256).describe('Free text; SUCCESS, Done and ERROR (any case) are terminal'),
  message: words.max(longestMessage).nullish(),
  progress: z.number().min(0).max(100).nullish().describe('Percent'),
  result: resultSchema.nullish().describe('Any JSON up to 64 KiB'),
  task: z.int().min(0).nullish().describe('The completion index that speaks'),
  attempt: z.int().min(0).nullish(),
  'pod-uid': z
    .string()
    .min(1)
    .max(64)
    .nullish()
    .describe('The first report with it claims (job, task) for this pod'),
});
export type ReportInput = z.output<typeof reportSchema>;

/** Who speaks in a termination message, Kubernetes knows. */
const outcomeSchema = reportSchema.omit({ 'job-id': true, task: true, attempt: true, 'pod-uid': true });
export type ReportedOutcome = z.output<typeof outcomeSchema>;

/**
 * The outcome that a worker left in its container's termination message, or null: any container may write anything there, and
 * only what would pass as a terminal report is one.
 */
export function findOutcome(terminationMessage: string): ReportedOutcome | null {
  if (Buffer.byteLength(terminationMessage) > longestTerminationMessage) return null;
  const parsed = outcomeSchema.safeParse(fromJson(terminationMessage));
  return parsed.success && terminalOf(parsed.data.status) !== null ? parsed.data : null;
}

/** The same as a form sends it: numbers and JSON as text, and an empty field is an absent one. */
export const reportFormSchema = z
  .record(z.string(), z.union([z.string(), z.array(z.string()).transform(() => givenTwice)]))
  .transform((fields) =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, text]) => text !== '')
        .map(fromText),
    ),
  )
  .pipe(reportSchema);

function fromText([field, text]: [string, string | symbol]): [string, unknown] {
  if (typeof text === 'symbol') return [field, text];
  if (field === 'progress' || field === 'task' || field === 'attempt') {
    return [field, text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text];
  }
  return [field, field === 'result' ? fromJson(text) : text];
}

/** A result that is no JSON is taken as the text it is, so that `-d result=done` is no fault. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
