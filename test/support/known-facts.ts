import type { JobFacts, ReportFact } from '../../src/core/facts.ts';
import type { TerminalStatus } from '../../src/core/report.ts';

/** What the store may know of a job: `facts` is one that was just created, which a test then bends. */

export const here = { gone: false, stopped: false, idle: false, waitedFor: null };
export const gone = { gone: true, stopped: false, idle: false, waitedFor: null };

export const byUser = { at: '2026-01-01T10:00:05.000Z', cause: 'User' } as const;
export const byDeadline = { ...byUser, cause: 'StartDeadline' } as const;

export function facts(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    completions: 1,
    claimed: true,
    dispatch: { kind: 'created' },
    job: null,
    pods: [],
    podRefusal: null,
    reports: [],
    cancel: null,
    ...changes,
  };
}

export function said(terminal: TerminalStatus | null, podUid: string | null = 'pod-uid'): ReportFact {
  const status = terminal ?? 'Processing...';
  return { at: '2026-01-01T10:00:05.000Z', status, terminal, task: 0, podUid, source: 'report' };
}

/** What stood in the termination message of that pod. */
export function left(terminal: TerminalStatus, podUid = 'pod-uid'): ReportFact {
  return { ...said(terminal, podUid), source: 'message' };
}
