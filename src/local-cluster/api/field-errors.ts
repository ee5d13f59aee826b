import { StatusError } from './status-error.ts';

/** One fault of a field, in the vocabulary of Kubernetes' field.Error. */
export type FieldError = {
  type:
    | 'Required'
    | 'Invalid'
    | 'NotSupported'
    | 'Duplicate'
    | 'Forbidden'
    | 'TooLong'
    | 'TooMany'
    | 'NotFound'
    | 'InternalError';
  field: string;
  /** What is quoted in the message; strings in quotes, all else as JSON. */
  value?: unknown;
  /** Says nothing of the value, though the type of fault would. */
  hideValue?: boolean;
  detail?: string;
};

const reasons: Record<FieldError['type'], string> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  NotSupported: 'FieldValueNotSupported',
  Duplicate: 'FieldValueDuplicate',
  Forbidden: 'FieldValueForbidden',
  TooLong: 'FieldValueTooLong',
  TooMany: 'FieldValueTooMany',
  NotFound: 'FieldValueNotFound',
  InternalError: 'InternalError',
};

const words: Record<FieldError['type'], string> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  NotSupported: 'Unsupported value',
  Duplicate: 'Duplicate value',
  Forbidden: 'Forbidden',
  TooLong: 'Too long',
  TooMany: 'Too many',
  NotFound: 'Not found',
  InternalError: 'Internal error',
};

const silentAboutValue = new Set<FieldError['type']>([
  'Required',
  'Forbidden',
  'TooLong',
  'TooMany',
  'InternalError',
]);

/** Go's JSON encoder escapes for HTML; strings are quoted without that. */
function toGoJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return JSON.stringify(value ?? null).replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

function messageOf({ type, value, hideValue = false, detail = '' }: FieldError): string {
  const shown = hideValue || silentAboutValue.has(type) ? words[type] : `${words[type]}: ${toGoJson(value)}`;
  return detail === '' ? shown : `${shown}: ${detail}`;
}

export const required = (field: string, detail = ''): FieldError => ({ type: 'Required', field, detail });

export const invalidValue = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'Invalid',
  field,
  value,
  detail,
});

/** A rule that is wrong as a whole; the message does not repeat it. */
export const invalidRule = (field: string, detail: string): FieldError => ({
  type: 'Invalid',
  field,
  hideValue: true,
  detail,
});

export const duplicate = (field: string, value: unknown): FieldError => ({ type: 'Duplicate', field, value });

export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'Forbidden',
  field,
  detail,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'NotSupported',
  field,
  value,
  detail: `supported values: ${supported.map((option) => JSON.stringify(option)).join(', ')}`,
});

/** Kubernetes tells of them all; but each costs hundreds of bytes, twice, and a body has room for a hundred thousand. */
const mostTold = 500;

/** The 422 for these faults. The message joins them without repetition, the causes list every one. */
export function invalid(
  about: { group: string; kind: string; name: string },
  all: FieldError[],
): StatusError {
  const faults = all.slice(0, mostTold);
  const messages = [...new Set(faults.map((fault) => `${fault.field}: ${messageOf(fault)}`))];
  if (all.length > mostTold) messages.push(`and ${all.length - mostTold} more`);
  const joined = messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`;
  const qualified = about.group === '' ? about.kind : `${about.kind}.${about.group}`;
  return new StatusError('Invalid', `${qualified} "${about.name}" is invalid: ${joined}`, {
    details: {
      ...(about.name === '' ? {} : { name: about.name }),
      ...(about.group === '' ? {} : { group: about.group }),
      ...(about.kind === '' ? {} : { kind: about.kind }),
      causes: faults.map((fault) => ({
        reason: reasons[fault.type],
        message: messageOf(fault),
        field: fault.field,
      })),
    },
  });
}
