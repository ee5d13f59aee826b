import { describe, expect, test } from '@jest/globals';
import { judgeAddress, judgeEvidence } from '../../src/core/callback-findings.ts';
import type { ReportEvidence } from '../../src/core/cluster-report.ts';

const real = { isEmbedded: false, kind: 'in-cluster' } as const;
const at = '2026-01-01T10:00:00.500Z';
const heard: ReportEvidence = { heardAt: at, lost: 0, lostJobId: null };
const nothing: ReportEvidence = { heardAt: null, lost: 0, lostJobId: null };
const lost = (count: number): ReportEvidence => ({ heardAt: at, lost: count, lostJobId: 'job-7' });

describe('the address', () => {
  const port = 8081;
  const pagePort = 8080;

  test.each(['127.0.0.1', 'localhost', '127.8.8.8', '[::1]', '0.0.0.0'])(
    '%s is no address for a pod',
    (host) => {
      const address = { url: `http://${host}:8081`, port, pagePort };
      expect(judgeAddress(address, real, nothing)).toMatchObject({ verdict: 'wrong' });
      expect(judgeAddress(address, { ...real, kind: 'kubeconfig' }, null)).toMatchObject({
        verdict: 'warning',
      });
    },
  );

  test('of loopback is right for the local cluster, and wherever reports do come in', () => {
    const address = { url: 'http://127.0.0.1:8081', port, pagePort };
    expect(judgeAddress(address, { isEmbedded: true, kind: 'kubeconfig' }, null)).toMatchObject({
      verdict: 'ok',
    });
    expect(judgeAddress(address, { ...real, kind: 'kubeconfig' }, heard)).toMatchObject({ verdict: 'ok' });
  });

  test('of the pages is a warning where workers have a port of their own', () => {
    const address = { url: 'http://jobspawn.jobspawn.svc:8080', port, pagePort };
    expect(judgeAddress(address, real, nothing)).toMatchObject({
      verdict: 'warning',
      sentence: expect.stringContaining('reports are taken on 8081'),
    });
  });

  test('with another port needs a Service between', () => {
    const address = { url: 'http://jobspawn.jobspawn.svc', port: 8080, pagePort: 8080 };
    expect(judgeAddress(address, real, nothing)).toMatchObject({
      verdict: 'ok',
      sentence: 'Reports are taken on port 8080; a Service or proxy must lead there from port 80.',
    });
  });
});

describe('what came in', () => {
  test.each<[string, ReportEvidence | null, string, string]>([
    ['a report', heard, 'ok', 'The newest came in at 2026-01-01 10:00:00 UTC.'],
    ['nothing at all', nothing, 'warning', 'not known: try it'],
    ['one lost word', lost(1), 'warning', 'None has come in since 2026-01-01 10:00:00 UTC, and 1 ended'],
    ['three lost words', lost(3), 'wrong', 'such as job job-7'],
    ['lost words alone', { ...lost(1), heardAt: null }, 'wrong', 'None has ever come in'],
    ['no database', null, 'warning', 'database is not here'],
  ])('is %s', (_name, evidence, verdict, words) => {
    const finding = judgeEvidence(evidence, { isEmbedded: false });
    expect(finding).toMatchObject({ verdict, sentence: expect.stringContaining(words) });
  });

  test('is nothing yet in a local cluster, which is no reason to worry', () => {
    for (const evidence of [nothing, null])
      expect(judgeEvidence(evidence, { isEmbedded: true })).toMatchObject({ verdict: 'ok' });
    expect(judgeEvidence(lost(3), { isEmbedded: true })).toMatchObject({ verdict: 'wrong' });
  });
});
