import type { z } from 'zod';
import { AppError } from './app-error.ts';
import type { Fault } from './app-error.ts';

/** Every fault of a failed parse, each with the JSON Pointer of its place; unknown fields get one fault each. */
function toFaults(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: toPointer([...issue.path, key]),
        detail: 'is not a known field',
      }));
    }
    const detail = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    return [{ pointer: toPointer(issue.path), detail }];
  });
}

/** The parsed value, or an AppError `invalid` that lists all faults at once. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(input, { error: toSentence });
  if (parsed.success) return parsed.data;
  const faults = toFaults(parsed.error);
  throw new AppError(
    'invalid',
    `${what} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}.`,
    {
      faults,
    },
  );
}

function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const articles: Record<string, string> = {
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** The wording of the common faults, in the style "must be a string"; schemas word their own rules. */
function toSentence(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `must be ${articles[issue.expected] ?? `a ${issue.expected}`}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `must have at least ${issue.minimum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
        : `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
}
