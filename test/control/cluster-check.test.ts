import { expect, test } from '@jest/globals';
import { createClusterCheck, shareCheck } from '../../src/control/cluster-check.ts';
import { AppError } from '../../src/core/app-error.ts';
import type { ClusterLook, ClusterReport } from '../../src/core/cluster-report.ts';

const silence = { ok: false, code: 0, message: 'connect ECONNREFUSED' } as const;
const silent: ClusterLook = {
  version: silence,
  clockAhead: null,
  user: silence,
  labels: silence,
  quotas: silence,
  needed: [],
  forbidden: [],
};
const options = {
  place: { kind: 'in-cluster', namespace: 'jobs', ownNamespace: 'jobspawn' },
  findEvidence: () => ({ heardAt: null, lost: 0, lostJobId: null }),
  callback: () => ({ url: 'http://jobspawn.jobspawn.svc', port: 80, pagePort: 80 }),
  maxActive: 100,
  clock: () => new Date('2026-01-01T10:00:00Z'),
} as const;

test('of a cluster that does not answer nothing else is said, and nothing is to be applied', async () => {
  const check = createClusterCheck({ ...options, look: async () => silent });
  const report = await check(new AbortController().signal);
  expect(report.findings.map(({ area, verdict }) => `${area} ${verdict}`)).toEqual([
    'connection unknown',
    'reports ok',
    'reports warning',
  ]);
  expect(report).toMatchObject({ at: '2026-01-01T10:00:00.000Z', manifests: '', version: null });
});

test('while the service stops there is no look, and that is no defect', async () => {
  const leaving = AbortSignal.abort();
  const check = createClusterCheck({ ...options, look: async (signal) => (signal.throwIfAborted(), silent) });
  await expect(check(leaving)).rejects.toMatchObject({ code: 'unavailable' });
  const broken = createClusterCheck({ ...options, look: () => Promise.reject(new Error('a defect')) });
  await expect(broken(new AbortController().signal)).rejects.toThrow('a defect');
});

function stage() {
  const looks: PromiseWithResolvers<ClusterReport>[] = [];
  const time = { now: 0 };
  const shared = shareCheck(
    () => {
      const look = Promise.withResolvers<ClusterReport>();
      looks.push(look);
      return look.promise;
    },
    { elapsed: () => time.now },
  );
  return { looks, time, shared };
}
const report = (at: string): ClusterReport => ({
  at,
  place: options.place,
  version: null,
  user: null,
  findings: [],
  quotas: [],
  manifests: '',
});

test('all viewers share a look while it is under way and ten seconds after it', async () => {
  const { looks, time, shared } = stage();
  const [first, second] = [shared(), shared()];
  time.now = 60_000;
  const third = shared();
  looks[0]?.resolve(report('first'));
  for (const view of [first, second, third]) expect((await view).at).toBe('first');
  time.now = 69_000;
  expect((await shared()).at).toBe('first');
  expect(looks).toHaveLength(1);
  time.now = 70_000;
  void shared();
  expect(looks).toHaveLength(2);
});

test('a look that failed is shared with nobody who comes later', async () => {
  const { looks, shared } = stage();
  const first = shared();
  looks[0]?.reject(new AppError('unavailable', 'The service is stopping.'));
  await expect(first).rejects.toMatchObject({ code: 'unavailable' });
  const second = shared();
  looks[1]?.resolve(report('second'));
  expect((await second).at).toBe('second');
});
