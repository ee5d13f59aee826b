import type { ReportInput, TerminalStatus } from '../core/report.ts';

// Of the core this room imports types and the limits of a report: they hold every word to the contract, and the worker
// does without zod, whose load would more than double the start of each pod.

/** What the work says on its way or at its end; who is speaking is added by the delivery. `result` is any JSON. */
export type Words = Pick<ReportInput, 'status' | 'message' | 'progress'> & { result?: unknown };

/** How the work ended. `exitCode` is the work's own and becomes the worker's. */
export type Outcome = Words & { status: TerminalStatus; message: string | null; exitCode: number };

export const startProcessing: Words = { status: 'Start Processing' };

export function processing(progress: number | null, message: string | null = null): Words {
  return { status: 'Processing...', progress, message };
}

/** At most `length` UTF-16 units from the start, never ending in half a character. */
export function cutText(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}
