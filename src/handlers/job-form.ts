import { z } from 'zod';
import { jobRequestSchema, refuseTooMany } from '../core/job-request.ts';
import type { JobRequest } from '../core/job-request.ts';
import type { Problem } from './problem.ts';

const { shape } = jobRequestSchema;
const resources = shape.resources.unwrap().shape;

// Browsers send every field of a form: an empty one means that nothing was said.
const text = z
  .string()
  .optional()
  .transform((value) => (value === '' ? undefined : value));
// The same, in the words of a field that may also be null.
const reference = text.transform((value): string | null | undefined => value);
const number = z
  .string()
  .optional()
  .transform((value) => (value === undefined || value.trim() === '' ? undefined : Number(value)));
const lines = z
  .string()
  .optional()
  .transform((value) => (value === undefined || value === '' ? undefined : toLines(value)));
const variables = lines.transform((given, context): Record<string, string> | undefined => {
  const entries = new Map<string, string>();
  const said = (given ?? []).filter((line) => line.trim() !== '');
  refuseTooMany(said.length, context);
  if (context.issues.length > 0) return {};
  for (const line of said) {
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    if (equals < 0) context.addIssue({ code: 'custom', message: `"${line}" must be NAME=value` });
    else if (entries.has(name)) context.addIssue({ code: 'custom', message: `${name} must be given once` });
    else entries.set(name, line.slice(equals + 1));
  }
  return Object.fromEntries(entries);
});

/** The fields of the form on /jobs: the job request, as text. Rules and defaults are those of the request. */
export const jobFormSchema = z
  .strictObject({
    id: text.pipe(shape.id).describe('Empty: a new one is made'),
    name: shape.name,
    image: reference.pipe(shape.image).describe('Empty: the worker image'),
    command: lines.pipe(shape.command).describe('One word per line'),
    args: lines.pipe(shape.args).describe('One argument per line'),
    env: variables.pipe(shape.env).describe('One NAME=value per line'),
    cpu: text.pipe(resources.cpu),
    memory: text.pipe(resources.memory),
    parallelism: number.pipe(shape.parallelism),
    completions: number.pipe(shape.completions),
    completionMode: shape.completionMode,
    backoffLimit: number.pipe(shape.backoffLimit),
    restartPolicy: shape.restartPolicy,
    activeDeadlineSeconds: number.pipe(shape.activeDeadlineSeconds),
    ttlSecondsAfterFinished: number.pipe(shape.ttlSecondsAfterFinished),
    priority: number.pipe(shape.priority),
  })
  .transform(({ cpu, memory, ...request }): JobRequest => ({ ...request, resources: { cpu, memory } }));

type FormField = keyof (typeof jobFormSchema)['in']['shape'];

/** What stands in the form: what was typed, the faults of each field, and what counts where nothing is typed. */
export type FormView = {
  value: (field: FormField) => string;
  faults: (field: FormField) => string[];
  placeholder: (field: FormField) => string;
  /** Whether the part that is folded away must be open, since something is typed or wrong there. */
  moreOpen: boolean;
  /** The sentence above the form, and the faults that belong to no field. */
  problem: { detail: string; others: string[] } | null;
};

const fields = z.record(z.string(), z.unknown()).catch({});

/** The form as it came, with the problem it caused; or an empty one. */
export function toFormView(workerImage: string, refused?: { fields: unknown; problem: Problem }): FormView {
  const typed = fields.parse(refused?.fields ?? {});
  const errors = (refused?.problem.errors ?? []).map(inForm);
  const value = (field: FormField) => {
    const given = typed[field];
    return typeof given === 'string' ? given : '';
  };
  const faults = (field: FormField) =>
    errors.filter(({ pointer }) => fieldOf(pointer) === field).map((error) => toSentence(error));
  const others = errors.filter(({ pointer }) => !isField(fieldOf(pointer)));
  const more = formFields.filter((field) => field !== 'name');
  return {
    value,
    faults,
    placeholder: (field) => placeholders(workerImage)[field] ?? '',
    moreOpen: more.some(
      (field) => faults(field).length > 0 || (value(field) !== '' && value(field) !== defaults[field]),
    ),
    problem:
      refused === undefined
        ? null
        : {
            detail: refused.problem.detail,
            others: others.map(({ pointer, detail }) => `${pointer} ${detail}`),
          },
  };
}

const formFields = Object.keys(jobFormSchema.in.shape).filter(isField);
const defaults: Record<string, unknown> = jobRequestSchema.parse({ name: 'defaults' });

function placeholders(workerImage: string): Partial<Record<string, string>> {
  const shown = ['parallelism', 'completions', 'backoffLimit', 'priority'];
  const seconds = ['activeDeadlineSeconds', 'ttlSecondsAfterFinished'];
  return {
    ...Object.fromEntries([...shown, ...seconds].map((field) => [field, String(defaults[field])])),
    name: 'nightly-report',
    id: 'made for you',
    image: workerImage,
    command: '/bin/sh\n-c',
    args: 'simulate\n--duration\n10s',
    env: 'GREETING=hello\nLOG_LEVEL=debug',
    cpu: resources.cpu.parse(undefined),
    memory: resources.memory.parse(undefined),
  };
}

function isField(name: string): name is FormField {
  return Object.hasOwn(jobFormSchema.in.shape, name);
}

/** The form has the resources beside the other fields, the request has them in an object of their own. */
function inForm({ pointer, detail }: { pointer: string; detail: string }) {
  return { pointer: pointer.replace(/^\/resources(?=\/)/, ''), detail };
}

/** `/args/0` belongs to the field `args`. */
function fieldOf(pointer: string): string {
  return pointer.split('/')[1] ?? '';
}

function toSentence({ pointer, detail }: { pointer: string; detail: string }): string {
  const [, field, place] = pointer.split('/');
  if (place === undefined) return detail;
  return field === 'env' ? `${place} ${detail}` : `line ${Number(place) + 1} ${detail}`;
}

/** A line end at the very end of a text area makes no further, empty line. */
function toLines(value: string): string[] {
  return value.replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n');
}
