import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccess } from '../../src/app/access.ts';
import type { Auth } from '../../src/app/auth-config.ts';
import { parseConfig } from '../../src/app/config.ts';
import { createExpress, createRoutes } from '../../src/app/express.ts';
import type { ExpressDeps, Side } from '../../src/app/express.ts';
import { createJobTokens } from '../../src/app/job-token.ts';
import { createLog } from '../../src/app/log.ts';
import { listen } from '../../src/app/listen.ts';
import type { Patience } from '../../src/app/listen.ts';
import type { FindPerson } from '../../src/app/oidc.ts';
import type { WebLimits } from '../../src/app/web-config.ts';
import { createSessionCookie } from '../../src/handlers/session-cookie.ts';
import { createIntake } from '../../src/control/intake.ts';
import { commandLine } from '../../src/core/access.ts';
import { AppError } from '../../src/core/app-error.ts';
import type { ClusterReport } from '../../src/core/cluster-report.ts';
import type { ControlHealth } from '../../src/core/readiness.ts';
import { jobRequestSchema } from '../../src/core/job-request.ts';
import type { SpecPolicy } from '../../src/core/spec-policy.ts';
import type { JobObservation, PodObservation } from '../../src/core/facts.ts';
import { createEventFeed } from '../../src/live/event-feed.ts';
import { createJobLog } from '../../src/live/job-log.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { openStore } from '../../src/store/store.ts';
import { anySpec } from '../support/any-spec.ts';

const clock = () => new Date();

/** Nothing is wrong where nothing was asked. */
const healthyReport: ClusterReport = {
  at: '2026-01-01T10:00:00.000Z',
  place: { kind: 'local', namespace: 'default', ownNamespace: null },
  version: null,
  user: null,
  findings: [],
  quotas: [],
  manifests: '',
};

/**
 * The HTTP side on a free port, with a real store; only the cluster is played: `play` says what it showed, `podLogs`
 * holds what its containers wrote, by the name of the pod.
 */
export async function startHttpSide({
  ownHost = '127.0.0.1',
  allowedHosts = [],
  trustedProxies = [],
  maxQueued = 1000,
  auth = { kind: 'none', exposure: undefined },
  recheckMs,
  findPerson,
  specPolicy = anySpec,
  limits,
  patience,
  side = 'all',
  checkCluster = async () => healthyReport,
}: {
  ownHost?: string;
  allowedHosts?: string[];
  trustedProxies?: string[];
  maxQueued?: number;
  auth?: Auth;
  recheckMs?: number;
  findPerson?: FindPerson;
  specPolicy?: SpecPolicy;
  limits?: Partial<WebLimits>;
  patience?: Partial<Patience>;
  side?: Side;
  checkCluster?: ExpressDeps['checkCluster'];
} = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'jobspawn-http-'));
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => lines.push(line) });
  const databasePath = join(dir, 'jobspawn.db');
  const store = openStore({ path: databasePath, clock, log });
  const intakeParts = {
    store,
    clock,
    random: (bytes: Uint8Array) => randomFillSync(bytes),
    workerImage: 'jobspawn-worker',
    namespace: 'default',
    maxQueued,
  };
  const intake = createIntake({ ...intakeParts, specPolicy });
  const feed = createEventFeed({ store });
  const podLogs = new Map<string, string[]>();
  const jobLog = createJobLog({
    untilLogIsKept: async () => {},
    store,
    feed,
    kube: {
      async *readPodLog({ pod }) {
        const written = podLogs.get(pod);
        if (written === undefined) throw new AppError('not-found', 'There is no such pod.');
        for (const chunk of written) yield Buffer.from(chunk);
      },
    },
  });
  const tokens = createJobTokens(store.reportKey());
  const readiness: ControlHealth = {
    ready: true,
    degraded: [],
    watches: null,
    observations: null,
    dispatch: null,
    loops: {},
  };
  /** What a fresh look at the cluster shows, and whether there can be one. */
  const freshLook = { show: () => {}, works: true };
  const closing = new AbortController();
  const sessionCookie = createSessionCookie({ isHttps: auth.kind === 'token' && auth.isHttps });
  const config = {
    ownHost,
    allowedHosts,
    trustedProxies,
    limits: { ...parseConfig({}).web.limits, ...limits },
    workerImage: 'jobspawn-worker',
    maxActive: 10,
    maxQueued,
    specPolicy,
    auth,
  };
  const deps: ExpressDeps = {
    store,
    intake,
    feed,
    jobLog,
    tokens,
    access: createAccess({ auth, store, cookie: sessionCookie, findPerson, recheckMs }),
    sessionCookie,
    readiness: () => readiness,
    metrics: createMetrics({
      store,
      feed,
      readiness: () => readiness,
      limits: { maxActive: 10, maxQueued },
      clock,
    }),
    checkCluster,
    refreshPods: async () => {
      freshLook.show();
      return freshLook.works;
    },
    callbackUrl: () => 'http://jobspawn-callback.example:8081',
    config,
    closing: closing.signal,
    log,
  };
  const app = createExpress(deps, side);
  const listener = await listen(app, { host: '127.0.0.1', port: 0, patience });

  return {
    app,
    routes: createRoutes(deps, side),
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    store,
    databasePath,
    intake,
    /** As it was before there was a policy. */
    openIntake: createIntake({ ...intakeParts, specPolicy: anySpec }),
    tokens,
    readiness,
    freshLook,
    closing,
    podLogs,
    /** The lines of the service's own log. */
    lines,
    /** A job as `POST /api/v1/jobs` would make it. */
    async submit(request: Record<string, unknown> = {}) {
      const { job } = await intake.accept(jobRequestSchema.parse({ name: 'a job', ...request }), {
        idempotencyKey: null,
        by: commandLine,
      });
      return job;
    },
    play: playWith(store),
    async stop() {
      closing.abort();
      await listener.close();
      store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What the cluster shows of a job, step by step. */
function playWith(store: ReturnType<typeof openStore>) {
  const seen = (id: string): JobObservation => {
    const job = store.findJob(id);
    if (job === undefined) throw new Error(`no job ${id}`);
    const { name, namespace } = job.kubernetes;
    const now = new Date().toISOString();
    return {
      uid: `uid-${id}`,
      name,
      namespace,
      createdAt: now,
      deletedAt: null,
      startedAt: now,
      completedAt: null,
      active: 1,
      ready: 1,
      succeeded: 0,
      failed: 0,
      conditions: [],
    };
  };
  const pod = (id: string, over: Partial<PodObservation>): PodObservation => {
    const now = new Date().toISOString();
    const { name, uid } = seen(id);
    return {
      uid: `pod-uid-${id}`,
      name: `${name}-x1y2z`,
      jobName: name,
      jobUid: uid,
      index: 0,
      phase: 'Running',
      createdAt: now,
      startedAt: now,
      finishedAt: null,
      exitCode: null,
      restarts: 0,
      reason: null,
      message: null,
      terminationMessage: null,
      deletedAt: null,
      orphaned: false,
      ...over,
    };
  };
  return {
    created(id: string) {
      store.claimDispatch(id);
      store.settleCreated(id, { uid: `uid-${id}` });
    },
    /** The Job goes on, with these numbers of pods. */
    tally: (id: string, over: Partial<Pick<JobObservation, 'active' | 'ready' | 'succeeded' | 'failed'>>) =>
      store.observeJob(id, { ...seen(id), ...over }),
    pod: (id: string, over: Partial<PodObservation> = {}) => store.observePod(id, pod(id, over)),
    podName: (id: string) => pod(id, {}).name,
    ended(id: string, type: 'Complete' | 'Failed', { reason = null }: { reason?: string | null } = {}) {
      const succeeded = type === 'Complete';
      const now = new Date().toISOString();
      store.observeJob(id, {
        ...seen(id),
        completedAt: succeeded ? now : null,
        active: 0,
        ready: 0,
        succeeded: Number(succeeded),
        failed: Number(!succeeded),
        conditions: [{ type, status: 'True', reason, message: null, at: now }],
      });
    },
  };
}
