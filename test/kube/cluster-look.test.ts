import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Place } from '../../src/core/cluster-rights.ts';
import { lookAtCluster } from '../../src/kube/cluster-look.ts';
import { connectCluster } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { namespace, startRightsApi } from '../support/rights-api.ts';
import type { RightsApi } from '../support/rights-api.ts';
import { until } from '../support/until.ts';
import { sendJson, sendStatus } from './fake-api.ts';

let api: Awaited<ReturnType<typeof startRightsApi>>;
let connection: Connection;
const place: Place = { kind: 'in-cluster', namespace, ownNamespace: 'jobspawn' };

async function start(changes: Partial<RightsApi> = {}): Promise<void> {
  api = await startRightsApi(changes);
  connection = await connectCluster({ kind: 'kubeconfig', path: api.kubeconfigPath });
}

afterEach(async () => {
  await connection.close();
  await api.close();
});

const look = (
  options: { clock?: () => Date; elapsed?: () => number; at?: Place } = {},
  signal = new AbortController().signal,
) => lookAtCluster({ connection, place: options.at ?? place, clock: () => new Date(), ...options }, signal);

const recordingSchema = z.object({
  steps: z.array(
    z.looseObject({
      request: z.looseObject({ method: z.string(), path: z.string() }).optional(),
      response: z.looseObject({ body: z.unknown() }).optional(),
    }),
  ),
});

/** What a real API server answered there. */
function recorded(name: string, path: RegExp): unknown {
  const { steps } = recordingSchema.parse(JSON.parse(readFileSync(`test/golden/${name}.json`, 'utf8')));
  return steps.find(({ request }) => request !== undefined && path.test(`${request.method} ${request.path}`))
    ?.response?.body;
}

test('reads version, user, rights, labels, quotas and the clock', async () => {
  const quota = recorded('21-quota', /^GET .*\/resourcequotas\/jobs$/);
  const labelled = z
    .object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) })
    .parse(recorded('22-pod-security', /^GET \/api\/v1\/namespaces\/[^/]+$/)).metadata.labels;
  await start({ quotas: [quota], labels: labelled });
  const seen = await look();
  expect(seen).toMatchObject({
    version: { ok: true, value: 'v1.36.2' },
    user: { ok: true, value: 'system:serviceaccount:jobspawn:jobspawn' },
    labels: { ok: true, value: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    quotas: {
      ok: true,
      value: [{ name: 'jobs', isScoped: false, hard: { 'count/jobs.batch': expect.any(String) } }],
    },
  });
  expect(seen.needed.map(({ seen: answer }) => answer.ok && answer.value.allowed)).toEqual(
    Array(12).fill(true),
  );
  expect(seen.forbidden.length).toBeGreaterThan(20);
  expect(seen.forbidden.filter(({ seen: answer }) => !answer.ok || answer.value.allowed)).toEqual([]);
  expect(seen.clockAhead?.leastMs).toBeLessThanOrEqual(0);
  expect(seen.clockAhead?.mostMs).toBeGreaterThanOrEqual(0);
});

test('a right on everything is asked without a namespace', async () => {
  await start({ isAllowed: ({ namespace: where }, isNeeded) => isNeeded || where === undefined });
  const { forbidden } = await look();
  const allowed = forbidden.filter(({ seen }) => seen.ok && seen.value.allowed);
  expect(new Set(allowed.map(({ question }) => question.namespace))).toEqual(new Set([null]));
  expect(allowed[0]?.seen).toMatchObject({ value: { reason: 'RBAC: allowed by a test' } });
});

test('a quota with scopes counts only some pods', async () => {
  const spec = { hard: { pods: '1' }, scopeSelector: { matchExpressions: [] } };
  await start({ quotas: [{ metadata: { name: 'vip' }, spec }] });
  expect((await look()).quotas).toMatchObject({ value: [{ name: 'vip', isScoped: true, used: {} }] });
});

test('a clock that is off shows by how much', async () => {
  await start();
  const { clockAhead } = await look({ clock: () => new Date(Date.now() - 60_000) });
  expect(clockAhead?.leastMs).toBeGreaterThan(50_000);
  expect(clockAhead?.mostMs).toBeLessThan(70_000);
});

test('what is refused or makes no sense says why, and the rest is read all the same', async () => {
  await start({
    answerFirst: ({ path }, response) => {
      if (path.endsWith('/resourcequotas')) sendStatus(response, 403, 'Forbidden', { message: 'no quotas.' });
      else if (path === `/api/v1/namespaces/${namespace}`) sendJson(response, 200, { metadata: 'nonsense' });
      else return false;
      return true;
    },
  });
  expect(await look()).toMatchObject({
    quotas: { ok: false, code: 403, message: 'no quotas' },
    labels: { ok: false, message: 'the answer is not what Kubernetes says there' },
    user: { ok: true },
  });
});

test('rights that may not even be asked for are no exception', async () => {
  await start({
    answerFirst: ({ path }, response) => {
      if (path.endsWith('/selfsubjectaccessreviews')) sendStatus(response, 403, 'Forbidden');
      return path.endsWith('/selfsubjectaccessreviews');
    },
  });
  const { needed } = await look();
  expect(new Set(needed.map(({ seen }) => !seen.ok && seen.code))).toEqual(new Set([403]));
});

test('where nobody answers, nothing more is asked', async () => {
  await start();
  await api.shut();
  expect(await look()).toMatchObject({
    version: { ok: false, code: 0, message: expect.stringContaining('ECONNREFUSED') },
    needed: [],
    forbidden: [],
  });
  await api.open();
});

test('what never answers is given up, and so is the whole after a while', async () => {
  await start({ answerFirst: ({ path }) => path.endsWith('/resourcequotas') });
  // By this clock the time of all calls is over as soon as the first has been answered.
  let now = 0;
  const seen = await look({ elapsed: () => (now += 14_000) });
  expect(seen.version).toMatchObject({ ok: true });
  expect(seen.quotas).toMatchObject({ ok: false, code: 0 });
});

test('no more than a few questions are under way at once', async () => {
  const held: (() => void)[] = [];
  let most = 0;
  let isHolding = true;
  await start({
    answerFirst: ({ path }, response) => {
      if (!isHolding || !path.endsWith('/selfsubjectaccessreviews')) return false;
      held.push(() => sendJson(response, 201, { status: { allowed: true } }));
      most = Math.max(most, held.length);
      return true;
    },
  });
  const looking = look();
  await until(() => held.length === 8);
  isHolding = false;
  for (const answer of held) answer();
  expect((await looking).needed).toHaveLength(12);
  expect(most).toBe(8);
});

test('in the local cluster nobody asks what is too much', async () => {
  await start({ version: 'v1.36.2+jobspawn-local' });
  expect((await look({ at: { ...place, kind: 'kubeconfig' } })).forbidden).toEqual([]);
});

test('an aborted look rejects', async () => {
  await start({ answerFirst: () => true });
  const leave = new AbortController();
  const looking = look({}, leave.signal);
  await until(() => api.requests.length > 0);
  leave.abort(new Error('leaving'));
  await expect(looking).rejects.toThrow('leaving');
});
