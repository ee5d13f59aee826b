import type { JobState } from '../core/job-state.ts';

/** What a search looks at in a job. */
export type SearchedJob = {
  number: number;
  id: string;
  name: string;
  state: JobState;
  status: string | null;
  message: string | null;
  reason: string | null;
  explanation: string | null;
};

/** A `SearchedJob` without its number, selected from `jobs`. */
export const searchedColumns = `jobs.id, jobs.name, jobs.state, jobs.report ->> '$.status' AS status,
  jobs.report ->> '$.message' AS message, jobs.reason, jobs.explanation`;

/**
 * Large and small letters of any script as one; by way of both, since ſ, ς or the Kelvin sign are like others only in one of them. What
 * is part of a text stays so when both are folded, on which the index relies. SQLite would end a text at a NUL.
 */
export function fold(text: string): string {
  return text.toLowerCase().toUpperCase().replaceAll('\0', '\u{FFFD}');
}

/** Whether the id starts with the text, or a text of the job has it as a part. The text is folded. */
export function hasText({ id, name, status, message, reason, explanation }: SearchedJob, text: string) {
  const has = (part: string | null) => part !== null && fold(part).includes(text);
  return fold(id).startsWith(text) || [name, status, message, reason, explanation].some(has);
}

/** What the index takes in. */
export function toIndexedText({ name, state, status, message, reason, explanation }: SearchedJob): string {
  const words = [name, status, message, reason, explanation].filter((text) => text !== null).map(fold);
  return [toStateMark(state), ...words].join('\n');
}

/** The index knows nothing of less. */
export function hasTrigram(text: string): boolean {
  return /.{3}/su.test(text);
}

/**
 * Asks the index for all jobs that have the text and are in the state and of the name, and perhaps for a few more: parts of three letters
 * need not stand in the order of the text. The text is folded and has a trigram.
 */
export function toMatch(
  text: string,
  { state, name }: { state?: JobState | undefined; name?: string | undefined },
): string {
  return [
    ...toTerms(text),
    ...(state === undefined ? [] : toTerms(toStateMark(state))),
    ...(name === undefined ? [] : toTerms(fold(name))),
  ].join(' AND ');
}

/** More of them cost more time than they leave rows out. */
const mostTerms = 12;

/** Side by side they cover the text, with fewer terms than all that it has. */
function toTerms(text: string): string[] {
  const signs = Array.from(text);
  if (signs.length < 3) return [];
  const starts = signs.flatMap((_sign, at) => (at % 3 === 0 && at < signs.length - 3 ? [at] : []));
  return [...starts, signs.length - 3].slice(0, mostTerms).map(
    (at) =>
      `"${signs
        .slice(at, at + 3)
        .join('')
        .replaceAll('"', '""')}"`,
  );
}

/** One trigram, in signs to which Unicode gives no meaning, so that nobody's words are full of it. */
function toStateMark(state: JobState): string {
  return Array.from(`=${state.slice(0, 2)}`, (sign) => String.fromCharCode(0xe000 + sign.charCodeAt(0))).join(
    '',
  );
}
