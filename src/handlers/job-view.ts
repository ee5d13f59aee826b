import type { Job, JobEvent, JobSummary } from '../core/job.ts';
import { isFinal } from '../core/job-state.ts';
import type { JobState } from '../core/job-state.ts';
import { terminalOf } from '../core/report.ts';
import { toPlainText } from './plain-text.ts';
import { toDurationText, toUtcText } from './times.ts';

/** Jobs as pages show them: every text ready to print, nothing left to decide in a template. */
type Moment = { iso: string; text: string };

export const stateLabels: Record<JobState, string> = {
  QUEUED: 'Queued',
  CREATED: 'Created',
  RUNNING: 'Running',
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
  LOST: 'Lost',
};

const stateSentences: Record<JobState, string> = {
  QUEUED: 'Accepted; it waits for its turn.',
  CREATED: 'In the cluster; no container runs yet.',
  RUNNING: 'At work.',
  SUCCEEDED: 'Done.',
  FAILED: 'It failed.',
  CANCELLED: 'It was cancelled.',
  LOST: 'It left the cluster before anyone saw how it ended.',
};

export function toJobRow(job: JobSummary) {
  const ended = isFinal(job.state);
  return {
    id: job.id,
    href: `/jobs/${encodeURIComponent(job.id)}`,
    name: toPlainText(job.name),
    state: job.state,
    stateLabel: job.cancelRequestedAt !== null && !ended ? 'Cancelling' : stateLabels[job.state],
    ended,
    words: wordsOf(job),
    progress: ended || job.report === null ? null : progressOf(job.report),
    reason: toPlainTextOrNull(job.reason),
    created: toMoment(job.createdAt),
    started: toMomentOrNull(job.startedAt),
    finished: toMomentOrNull(job.finishedAt),
    duration:
      job.startedAt !== null && job.finishedAt !== null
        ? toDurationText(job.startedAt, job.finishedAt)
        : null,
  };
}

/** The one line that tells most: two words that differ, why it failed, the worker's latest word, why it waits, the state. */
function wordsOf(job: JobSummary): string {
  if (job.discrepancy !== null) return toPlainText(job.discrepancy);
  const report = job.report === null ? null : reportText(job.report);
  const why = toPlainTextOrNull(job.explanation);
  return (isFinal(job.state) ? (why ?? report) : (report ?? why)) ?? sentenceOf(job);
}

/** Between a failure and the next try, which Kubernetes puts off ever longer, nothing is at work. */
function sentenceOf({ state, kubernetes: { active, succeeded, failed }, spec }: JobSummary): string {
  const isRetryDue =
    active === 0 && failed > 0 && failed <= spec.backoffLimit && succeeded < spec.completions;
  return state === 'RUNNING' && isRetryDue ? 'It waits to be tried again.' : stateSentences[state];
}

/** At most so many tasks stand in a page; the API has them all. */
const shownTasks = 100;

export function toJobPage(job: Job) {
  return {
    ...toJobRow(job),
    // A cancel that is on its way needs no second one.
    mayCancel: !isFinal(job.state) && job.cancelRequestedAt === null,
    explanation: toPlainTextOrNull(job.explanation) ?? sentenceOf(job),
    report: job.report === null ? null : { text: reportText(job.report), at: toMoment(job.report.at) },
    discrepancy: toPlainTextOrNull(job.discrepancy),
    result: job.result === null ? null : toPlainText(JSON.stringify(job.result, null, 2)),
    rerunOf: job.rerunOf,
    tasks: job.tasks.slice(0, shownTasks).map(toTaskView),
    hiddenTasks: Math.max(0, job.tasks.length - shownTasks),
    completions: job.spec.completions,
    conditions: job.conditions.map(({ type, status, reason, message }) => ({
      text: toPlainText(status === 'True' ? type : `${type}: ${status}`),
      why: toPlainText([reason, message].filter((part) => part !== null && part !== '').join(': ')),
    })),
    kubernetes: job.kubernetes,
    image: toPlainText(job.spec.image),
    spec: toPlainText(JSON.stringify(job.spec, null, 2)),
  };
}

function toTaskView(task: Job['tasks'][number]) {
  return {
    index: task.index,
    report: task.report === null ? null : reportText(task.report),
    attempts: task.attempts.map((attempt) => ({
      pod: attempt.pod,
      phase: attempt.phase,
      exitCode: attempt.exitCode,
      reason: toPlainTextOrNull(attempt.reason),
      restarts: attempt.restarts,
      started: toMomentOrNull(attempt.startedAt),
      duration:
        attempt.startedAt !== null && attempt.finishedAt !== null
          ? toDurationText(attempt.startedAt, attempt.finishedAt)
          : null,
    })),
  };
}

/** The history, of events that come newest first: what happened last is what one looks for. */
export function toHistory(events: readonly JobEvent[]) {
  const states = events.filter(({ kind }) => kind === 'state');
  const repeated = new Set(states.filter((event, at) => saysNoMore(event, states[at + 1])));
  const told = events.filter((event) => !repeated.has(event));
  return told.filter((event, at) => !isOvertaken(event, told[at - 1])).map(toHistoryEntry);
}

/** Told because another of many completions ended, as its pod's own entry says: the job did not begin to run again. */
function saysNoMore(event: JobEvent, before: JobEvent | undefined): boolean {
  return (
    event.state === before?.state &&
    event.reason === before.reason &&
    event.explanation === before.explanation &&
    event.discrepancy === before.discrepancy
  );
}

/** Of a worker that says the same again and again, only with more progress, the last word is enough. */
function isOvertaken(event: JobEvent, next: JobEvent | undefined): boolean {
  return (
    event.kind === 'report' &&
    next?.kind === 'report' &&
    event.status === next.status &&
    event.message === next.message &&
    event.task === next.task &&
    !event.discrepancy
  );
}

/** An entry of the history: a headline and, where there is more to say, a second line. */
function toHistoryEntry(event: JobEvent) {
  const more = event.discrepancy ?? event.explanation ?? event.reason ?? toSizeText(event.bytes);
  return {
    at: toMoment(event.at),
    kind: event.kind,
    state: event.state,
    text: historyTexts[event.kind](event),
    more: toPlainTextOrNull(more),
  };
}

const historyTexts: Record<JobEvent['kind'], (event: JobEvent) => string> = {
  state: ({ state }) => stateLabels[state],
  report: ({ status = '', message = null, progress = null }) => reportText({ status, message, progress }),
  pod: ({ pod = '', phase = '', exitCode = null }) => {
    // Between its container's end and its own a pod still counts as running.
    const word = phase === 'Running' && exitCode !== null ? 'container ended' : phase;
    return `Pod ${pod}: ${word}${exitCode === null ? '' : `, exit code ${exitCode}`}`;
  },
  log: ({ pod = '' }) => `Log of pod ${pod} kept`,
  cancel: () => 'Cancel requested',
};

type Words = { status: string; message: string | null; progress: number | null };

/** Of work that is over, how far it had come says nothing. */
function progressOf({ status, progress }: Pick<Words, 'status' | 'progress'>): number | null {
  return terminalOf(status) === null ? progress : null;
}

function reportText(report: Words): string {
  const progress = progressOf(report);
  const percent = progress === null ? '' : ` (${Math.round(progress)} %)`;
  const message = report.message === null ? '' : ` – ${report.message}`;
  return toPlainText(`${report.status}${percent}${message}`);
}

function toPlainTextOrNull(text: string | null): string | null {
  return text === null ? null : toPlainText(text);
}

function toSizeText(bytes: number | undefined): string | null {
  if (bytes === undefined) return null;
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`;
}

function toMoment(time: string): Moment {
  return { iso: time, text: toUtcText(time) };
}

function toMomentOrNull(time: string | null): Moment | null {
  return time === null ? null : toMoment(time);
}
