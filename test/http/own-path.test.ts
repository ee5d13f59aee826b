import { expect, test } from '@jest/globals';
import { toOwnPath } from '../../src/handlers/own-path.ts';

test.each(['/jobs', '/jobs/01K?x=1', '/jobs?state=FAILED&q=a%2Fb', '/'])('%s is ours', (path) => {
  expect(toOwnPath(path)).toBe(path);
});

test.each([
  undefined,
  '',
  'jobs',
  'https://evil.example.com/jobs',
  '//evil.example.com',
  '/\\evil.example.com',
  '\\\\evil.example.com',
  '/\t/evil.example.com',
  '/.//evil.example.com',
  '/a/..//evil.example.com',
  '/%2e//evil.example.com',
  'javascript:alert(1)',
  '//own.invalid//evil.example.com',
  '/\r\n/evil.example.com',
])('%j leads to the jobs', (path) => {
  expect(toOwnPath(path)).toBe('/jobs');
});
