import { expect, test } from '@jest/globals';
import { parseQuantity, toQuantity } from '../../src/core/quantity.ts';
import { judgeQuotas, toQuotaRows } from '../../src/core/quota-findings.ts';

const usual = { maxActive: 100, resources: { cpu: '100m', memory: '128Mi' } };

function judge(hard: Record<string, string>, used: Record<string, string> = {}) {
  const [finding] = judgeQuotas({ ok: true, value: [{ name: 'jobs', isScoped: false, hard, used }] }, usual);
  return finding === undefined ? 'nothing' : `${finding.verdict}: ${finding.sentence}`;
}

test.each<[string, number | null]>([
  ['100', 100],
  ['100m', 0.1],
  ['0.5', 0.5],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['128974848', 128_974_848],
  ['1e3', 1000],
  ['2E', 2e18],
  ['-1', -1],
  ['', null],
  ['many', null],
  ['1 Gi', null],
  ['1constructor', null],
])('the quantity %j is %j', (text, amount) => {
  if (amount === null) expect(parseQuantity(text)).toBeNull();
  else expect(parseQuantity(text)).toBeCloseTo(amount, 6);
});

test('a quantity is written as its like is', () => {
  expect(toQuantity(7.7, '8')).toBe('7.7');
  expect(toQuantity(2 ** 30, '8Gi')).toBe('1Gi');
  expect(toQuantity(0.3, '500m')).toBe('300m');
});

test('there is room where MAX_ACTIVE jobs of the usual size fit', () => {
  const exact = { pods: '100', 'requests.cpu': '10', 'limits.memory': '12800Mi', 'requests.storage': '1' };
  expect(judge(exact)).toMatch(/^ok: /);
});

test.each<[Record<string, string>, Record<string, string>, string]>([
  [{ pods: '50' }, {}, 'pods has room for 50 jobs of the usual size, and MAX_ACTIVE is 100.'],
  [{ 'limits.cpu': '8' }, {}, 'limits.cpu has room for 80 jobs'],
  [{ 'requests.memory': '1Gi' }, {}, 'requests.memory has room for 8 jobs'],
  [{ pods: '200' }, { pods: '200' }, 'Of pods nothing is left for another job'],
  [{ 'requests.cpu': '20' }, { 'requests.cpu': '19950m' }, 'Of requests.cpu nothing is left'],
  [{ 'count/jobs.batch': '5000' }, { 'count/jobs.batch': '4500' }, 'nearly used up: 4500 of 5000'],
])('the limits %j with %j used are worth a warning', (hard, used, words) => {
  expect(judge(hard, used)).toMatch(/^warning: /);
  expect(judge(hard, used)).toContain(words);
});

test('a quota for some pods is not held against us', () => {
  const quota = { name: 'others', isScoped: true, hard: { pods: '1' }, used: { pods: '1' } };
  expect(judgeQuotas({ ok: true, value: [quota] }, usual)).toMatchObject([{ verdict: 'ok' }]);
});

test('no quota, none to be had and one that may not be read are told apart', () => {
  expect(judgeQuotas({ ok: true, value: [] }, usual)).toMatchObject([{ verdict: 'ok' }]);
  expect(judgeQuotas({ ok: false, code: 404, message: 'x' }, usual)).toMatchObject([{ verdict: 'ok' }]);
  expect(judgeQuotas({ ok: false, code: 403, message: 'x' }, usual)).toMatchObject([{ verdict: 'unknown' }]);
});

test('what is left of each hard limit', () => {
  const quota = {
    name: 'jobs',
    isScoped: false,
    hard: { 'requests.memory': '8Gi', 'requests.cpu': '2', odd: 'x' },
    used: { 'requests.memory': '512Mi', 'requests.cpu': '2500m' },
  };
  expect(toQuotaRows({ ok: true, value: [quota] })).toEqual([
    { quota: 'jobs', resource: 'requests.memory', hard: '8Gi', used: '512Mi', left: '7.5Gi' },
    { quota: 'jobs', resource: 'requests.cpu', hard: '2', used: '2500m', left: '0' },
    { quota: 'jobs', resource: 'odd', hard: 'x', used: '0', left: '?' },
  ]);
});
