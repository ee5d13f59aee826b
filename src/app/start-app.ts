/**
 * The composition root: makes every part, starts them in order, unwinds on failure, stops in reverse.
 *
 * Owns: the wiring. May import: every room. Never: a decision of its own.
 */
import { randomFillSync } from 'node:crypto';
import type { Logger } from 'pino';
import { createClusterCheck, shareCheck } from '../control/cluster-check.ts';
import { startControl } from '../control/control.ts';
import { createIntake } from '../control/intake.ts';
import { AppError } from '../core/app-error.ts';
import type { ControlHealth } from '../core/readiness.ts';
import { createSessionCookie } from '../handlers/session-cookie.ts';
import { lookAtCluster } from '../kube/cluster-look.ts';
import { createKube } from '../kube/cluster.ts';
import { connectCluster } from '../kube/connection.ts';
import type { ClusterTarget } from '../kube/credentials.ts';
import { createEventFeed } from '../live/event-feed.ts';
import { createJobLog } from '../live/job-log.ts';
import { createMetrics } from '../metrics/metrics.ts';
import type { MetricsParts } from '../metrics/metrics.ts';
import { openStore } from '../store/store.ts';
import { createAccess } from './access.ts';
import { keepFirstAdmin } from './bootstrap-token.ts';
import type { Config } from './config.ts';
import type { Exposure } from './exposure.ts';
import { createExpress } from './express.ts';
import type { ExpressDeps, Side } from './express.ts';
import { createJobTokens } from './job-token.ts';
import { joinCluster } from './join-cluster.ts';
import { listen } from './listen.ts';
import { createLog } from './log.ts';
import type { OidcConfig } from './oidc-config.ts';
import type { FindPerson } from './oidc.ts';
import { toCallback, toPlace, toUrlHost } from './place.ts';
import { readReportKeys } from './report-keys.ts';
import { createReleasers } from './releasers.ts';
import type { Releasers } from './releasers.ts';

export type App = {
  /** Where the pages are, without a slash at the end. */
  url: string;
  /** Where workers report, without a slash at the end. */
  callbackUrl: string;
  /** Of the local cluster; undefined with any other. */
  kubeconfigPath: string | undefined;
  /** What does not work now, as `/readyz` tells it. */
  readiness: () => ControlHealth;
  /** Rejects when the service must end by itself; never resolves. */
  failed: Promise<never>;
  stop(): Promise<void>;
};

/** Resolves when the service answers; rejects, with everything undone, with an AppError of one sentence or a defect. */
export async function startApp(config: Config, overrides: Partial<Outside> = {}): Promise<App> {
  const releasers = createReleasers();
  try {
    return await startParts(config, releasers, {
      log: overrides.log ?? createLog(config.logLevel),
      clock: overrides.clock ?? (() => new Date()),
      uptime: overrides.uptime,
      processMetrics: overrides.processMetrics,
    });
  } catch (error) {
    await releasers.releaseAll();
    throw error;
  }
}

/** What the parts take from the process that they run in. */
type Outside = {
  log: Logger;
  clock: () => Date;
  /** In seconds, and only ever forward; the machine's own unless said. */
  uptime: (() => number) | undefined;
  processMetrics: MetricsParts['ofProcess'];
};

const random = (bytes: Uint8Array) => randomFillSync(bytes);

async function startParts(
  config: Config,
  releasers: Releasers,
  { log, clock, uptime, processMetrics }: Outside,
): Promise<App> {
  const { workerImage, specPolicy, maxActive, maxQueued } = config;
  const store = openStore({ path: config.databasePath, clock, log });
  releasers.push(store.close);

  const { auth } = config;
  if (auth.kind === 'token') keepFirstAdmin(auth.bootstrapTokenFile, { store, log });
  else if (auth.exposure !== undefined) warnOfEverybody(auth.exposure, log);
  const tokens = createJobTokens(...readReportKeys(config.web.reportKeyFile, store.reportKey));
  const sessionCookie = createSessionCookie({ isHttps: auth.kind === 'token' && auth.isHttps });
  const findPerson = auth.kind === 'token' && auth.oidc ? await startOidc(auth.oidc, clock) : undefined;
  const access = createAccess({ auth, store, cookie: sessionCookie, findPerson });

  const { target, kubeconfigPath } = await startCluster(config, releasers, log);
  const connection = await connectCluster(target);
  releasers.push(connection.close);
  const place = toPlace(config, connection.namespace);
  const { namespace } = place;
  const kube = createKube({ connection, namespace, log, clock });

  const intake = createIntake({ store, clock, random, workerImage, namespace, specPolicy, maxQueued });
  const feed = createEventFeed({ store });
  const jobLog = createJobLog({ store, kube, feed, untilLogIsKept: (pod) => membership.untilLogIsKept(pod) });
  const closing = new AbortController();
  const callback = () => toCallback(config, listeners);
  const checkCluster = createClusterCheck({
    place,
    look: (signal) => lookAtCluster({ connection, place, clock }, signal),
    findEvidence: store.reportEvidence,
    callback,
    maxActive,
    clock,
  });
  const membership = joinCluster({
    identify: (signal) => identify(kube, signal),
    bind: (clusterId) => store.bindCluster({ clusterId, namespace }),
    startLoops: () =>
      startControl({
        store,
        kube,
        tokens,
        callbackUrl: callback().url,
        serviceAccountName: config.serviceAccountName,
        startDeadlineSeconds: config.startDeadlineSeconds,
        maxActive,
        keep: config.keep,
        log,
        clock,
        uptime,
        random,
      }),
    log,
  });
  const { readiness } = membership;
  const limits = { maxActive, maxQueued };
  const metrics = createMetrics({ store, feed, readiness, limits, clock, ofProcess: processMetrics });
  const ownHost = toUrlHost(config.host);
  const expressDeps: ExpressDeps = {
    store,
    intake,
    feed,
    jobLog,
    tokens,
    access,
    sessionCookie,
    readiness,
    metrics,
    refreshPods: membership.refreshPods,
    checkCluster: shareCheck(() => checkCluster(closing.signal)),
    config: {
      ...config.web,
      ownHost,
      allowedHosts: config.allowedHosts,
      workerImage,
      maxActive,
      maxQueued,
      specPolicy,
      auth,
    },
    callbackUrl: () => callback().url,
    closing: closing.signal,
    log,
  };
  const listeners = await startListeners(config, expressDeps, { releasers, closing });
  releasers.push(membership.stop);
  await membership.begin();
  return {
    url: `http://${ownHost}:${listeners.port}`,
    callbackUrl: callback().url,
    kubeconfigPath,
    readiness,
    failed: membership.failed,
    stop: releasers.releaseAll,
  };
}

/** Loaded where it is used: most have no issuer, and nobody wants to wait for its cryptography. */
async function startOidc(oidc: OidcConfig, clock: () => Date): Promise<FindPerson> {
  const { createOidc } = await import('./oidc.ts');
  return createOidc(oidc, { clock });
}

function warnOfEverybody({ because }: Exposure, log: Logger): void {
  log.warn(`Everybody who reaches this service may start jobs, and ${because}: AUTH=token asks for a login`);
}

/** Workers are heard for as long as people are, and a little longer: theirs begins first and ends last. */
async function startListeners(
  { host, port, web: { callbackPort, keepAliveSeconds } }: Config,
  deps: ExpressDeps,
  { releasers, closing }: { releasers: Releasers; closing: AbortController },
): Promise<{ port: number; callbackPort: number }> {
  const patience = { keepAliveMs: keepAliveSeconds * 1000 };
  const start = async (side: Side, on: number) => {
    const listener = await listen(createExpress(deps, side), { host, port: on, patience });
    releasers.push(() => listener.close());
    return listener.port;
  };
  const forWorkers = callbackPort === undefined ? undefined : await start('workers', callbackPort);
  const forPeople = await start(forWorkers === undefined ? 'all' : 'people', port);
  releasers.push(() => closing.abort());
  return { port: forPeople, callbackPort: forWorkers ?? forPeople };
}

/** The local cluster is reached as any other one is: through its kubeconfig. */
async function startCluster(
  { cluster, workerImage }: Config,
  releasers: Releasers,
  log: Logger,
): Promise<{ target: ClusterTarget; kubeconfigPath: string | undefined }> {
  if (cluster.kind !== 'local') return { target: cluster, kubeconfigPath: undefined };
  // Loaded where it is used: it is half of the code, and in a real cluster nobody wants its memory.
  const { LocalClusterFault, startLocalCluster, workerImages } = await import('../local-cluster/cluster.ts');
  const images = workerImages(workerImage);
  const local = await startLocalCluster({ dataDir: cluster.dataDir, images, log }).catch((cause: unknown) => {
    if (!(cause instanceof LocalClusterFault)) throw cause;
    throw new AppError('unavailable', `The local cluster cannot start: ${cause.message}.`, { cause });
  });
  releasers.push(local.stop);
  return { target: { kind: 'kubeconfig', path: local.kubeconfigPath }, kubeconfigPath: local.kubeconfigPath };
}

async function identify(kube: ReturnType<typeof createKube>, signal: AbortSignal): Promise<string> {
  const uid = await kube.getNamespaceUid(signal);
  if (uid !== null) return uid;
  throw new AppError('not-found', `The cluster has no namespace "${kube.namespace}".`);
}
