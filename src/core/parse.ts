import type { z } from 'zod';
import { AppError } from './app-error.ts';
import type { Fault } from './app-error.ts';

/** A body may have a hundred thousand faults: to tell them all would cost far more than the request did, and help nobody. */
export const mostTold = 100;

/** The first faults of an input, and how many there are in all. */
type Faults = { told: Fault[]; count: number };

/** The parsed value, or what is wrong with it. */
export function tryInput<S extends z.ZodType>(schema: S, input: unknown): { value: z.output<S> } | Faults {
  const parsed = schema.safeParse(input, { error: toSentence });
  return parsed.success ? { value: parsed.data } : toFaults(parsed.error);
}

/** The parsed value, or an AppError `invalid` that lists all faults at once. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown, what: string): z.output<S> {
  const parsed = tryInput(schema, input);
  if ('value' in parsed) return parsed.value;
  throw toInvalid(what, parsed);
}

/** The error that tells of the faults: of the first hundred where there are more, and then says so. */
export function toInvalid(what: string, { told, count }: Faults): AppError {
  const number = count === 1 ? 'a fault' : `${count} faults`;
  const rest = count > mostTold ? `, of which the first ${mostTold} are told` : '';
  return new AppError('invalid', `${what} has ${number}${rest}.`, { faults: told.slice(0, mostTold) });
}

/** Each fault has the JSON Pointer of its place; unknown fields are one fault each. */
function toFaults({ issues }: z.ZodError): Faults {
  const told: Fault[] = [];
  let count = 0;
  for (const issue of issues) {
    const places = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [key]) : [[]];
    count += places.length;
    for (const place of places.slice(0, mostTold - told.length)) {
      told.push({ pointer: toPointer([...issue.path, ...place]), detail: toDetail(issue) });
    }
  }
  return { told, count };
}

function toDetail(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
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
      return `must ${toAmount(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${toAmount(issue.origin, 'at most', issue.maximum)}`;
    case 'unrecognized_keys':
      return 'is not a known field';
    default:
      return undefined;
  }
}

function toAmount(origin: string, bound: string, amount: number | bigint): string {
  if (origin === 'string') return `have ${bound} ${amount} ${amount === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${bound} ${amount} ${amount === 1 ? 'entry' : 'entries'}`;
  return `be ${bound} ${amount}`;
}
