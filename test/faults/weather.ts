import type { ApiProxy } from './api-proxy.ts';
import type { Rule } from './fault-rules.ts';

const jobs = /\/jobs$/;
const anything = /^\//;

/**
 * What a bad day is made of, each with its chance. The service holds all creates back for about a second after one whose outcome it
 * does not know, so a worse day would test its patience and little else.
 */
const badDay: readonly Rule[] = [
  {
    name: 'create: answer dropped',
    method: 'POST',
    path: jobs,
    chance: 0.03,
    action: { kind: 'drop-answer' },
  },
  {
    name: 'create: late answer',
    method: 'POST',
    path: jobs,
    chance: 0.03,
    action: { kind: 'delay-answer', ms: 700 },
  },
  {
    name: 'create: done, answered 504',
    method: 'POST',
    path: jobs,
    chance: 0.02,
    action: { kind: 'answer-otherwise', with: { code: 504, reason: 'Timeout' } },
  },
  { name: 'create: reset before', method: 'POST', path: jobs, chance: 0.02, action: { kind: 'reset' } },
  {
    name: 'create: 429',
    method: 'POST',
    path: jobs,
    chance: 0.02,
    action: {
      kind: 'answer',
      with: { code: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } },
    },
  },
  {
    name: 'create: 409 of the quota',
    method: 'POST',
    path: jobs,
    chance: 0.02,
    action: { kind: 'answer', with: { code: 409, reason: 'Conflict' } },
  },
  {
    name: 'create: 500',
    method: 'POST',
    path: jobs,
    chance: 0.02,
    action: { kind: 'answer', with: { code: 500, reason: 'InternalError' } },
  },
  { name: 'watch: cut', watch: true, path: anything, chance: 0.3, action: { kind: 'cut', afterMs: 900 } },
  {
    name: 'watch: expired in the stream',
    watch: true,
    path: anything,
    chance: 0.05,
    action: { kind: 'error-event', afterEvents: 5, afterMs: 1500, with: { code: 410, reason: 'Expired' } },
  },
  {
    name: 'watch: 410',
    watch: true,
    path: anything,
    chance: 0.05,
    action: { kind: 'answer', with: { code: 410, reason: 'Expired' } },
  },
  {
    name: 'read: 500',
    method: 'GET',
    watch: false,
    path: anything,
    chance: 0.05,
    action: { kind: 'answer', with: { code: 500, reason: 'InternalError' } },
  },
  { name: 'read: reset', method: 'GET', path: anything, chance: 0.03, action: { kind: 'reset' } },
];

export function startBadDay(proxy: ApiProxy): void {
  for (const rule of badDay) proxy.inject(rule);
}
