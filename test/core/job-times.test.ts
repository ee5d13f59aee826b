import { describe, expect, test } from '@jest/globals';
import type { JobFacts, ReportFact } from '../../src/core/facts.ts';
import { toFinishedAt, toStartedAt } from '../../src/core/job-times.ts';
import type { JobState } from '../../src/core/job-state.ts';
import { facts, here, said } from '../support/known-facts.ts';
import { completeJob, failedJob, runningPod, seenJob, seenPod } from '../support/sightings.ts';

const acceptedAt = '2026-01-01T10:00:00.500Z';
const soon = '2026-01-01T10:00:03.200Z';
const later = '2026-01-01T11:00:00.000Z';

const saidAt = (at: string): ReportFact => ({ ...said(null, null), at });
const startedAt = (at: string, uid = 'pod-uid') => ({ ...runningPod({ uid, startedAt: at }), ...here });

describe('a job began', () => {
  test.each<[string, Partial<JobFacts>, JobState, string, string | null]>([
    ['not before it runs', { pods: [startedAt('2026-01-01T10:00:02Z')] }, 'CREATED', later, null],
    [
      'when its container did',
      { pods: [startedAt('2026-01-01T10:00:02Z')] },
      'RUNNING',
      later,
      '2026-01-01T10:00:02.000Z',
    ],
    [
      'with the first of several containers',
      { pods: [startedAt('2026-01-01T10:09:00Z', 'b'), startedAt('2026-01-01T10:00:02Z', 'a')] },
      'RUNNING',
      later,
      '2026-01-01T10:00:02.000Z',
    ],
    [
      'by our own clock where it is just now',
      { pods: [startedAt('2026-01-01T10:00:02Z')] },
      'RUNNING',
      soon,
      soon,
    ],
    ['with the first word of its worker', { reports: [saidAt(soon)] }, 'RUNNING', later, soon],
    ['now where it runs and nobody says since when', {}, 'RUNNING', later, later],
    [
      'when Kubernetes says where it has succeeded unseen',
      { job: { ...completeJob({ startedAt: '2026-01-01T10:00:05Z' }), ...here } },
      'SUCCEEDED',
      later,
      '2026-01-01T10:00:05.000Z',
    ],
    [
      'never where it failed before anything ran',
      { pods: [{ ...seenPod(), ...here }] },
      'FAILED',
      later,
      null,
    ],
    [
      'not before it was accepted',
      { pods: [startedAt('2020-01-01T00:00:00Z')] },
      'RUNNING',
      later,
      acceptedAt,
    ],
    ['not in the future', { pods: [startedAt('2099-01-01T00:00:00Z')] }, 'RUNNING', later, later],
    ['now where the time cannot be read', { pods: [startedAt('yesterday')] }, 'RUNNING', later, later],
  ])('%s', (_name, changes, state, now, expected) => {
    expect(toStartedAt(facts(changes), state, { acceptedAt, now })).toBe(expected);
  });
});

describe('a job ended', () => {
  const start = '2026-01-01T10:00:02.000Z';

  test.each<[string, Partial<JobFacts>, string | null, string]>([
    ['when Kubernetes says', { job: { ...completeJob(), ...here } }, start, '2026-01-01T10:00:09.000Z'],
    [
      'with the verdict where it failed',
      { job: { ...failedJob(), ...here } },
      start,
      '2026-01-01T10:00:09.000Z',
    ],
    ['now where Kubernetes says nothing', { job: { ...seenJob(), gone: true } }, start, later],
    [
      'not before its start',
      { job: { ...completeJob({ completedAt: '2026-01-01T10:00:01Z' }), ...here } },
      start,
      start,
    ],
    [
      'not before the last word of its worker',
      { job: { ...completeJob(), ...here }, reports: [saidAt('2026-01-01T10:00:09.700Z')] },
      start,
      '2026-01-01T10:00:09.700Z',
    ],
    [
      'not before it was accepted',
      { job: { ...completeJob({ completedAt: '2020-01-01T00:00:00Z' }), ...here } },
      null,
      acceptedAt,
    ],
    [
      'not in the future',
      { job: { ...completeJob({ completedAt: '2099-01-01T00:00:00Z' }), ...here } },
      start,
      later,
    ],
  ])('%s', (_name, changes, began, expected) => {
    expect(toFinishedAt(facts(changes), began, { acceptedAt, now: later })).toBe(expected);
  });
});
