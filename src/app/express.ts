/**
 * Owns: Express itself: guards, headers, static files, the routes' bodies and the error table.
 * May import: every room. Never: what a route means, which is the handlers' business.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import express from 'express';
import type { Express, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Intake } from '../control/intake.ts';
import type { ClusterReport } from '../core/cluster-report.ts';
import type { ControlHealth } from '../core/readiness.ts';
import type { SpecPolicy } from '../core/spec-policy.ts';
import { createAuditApi } from '../handlers/audit-api.ts';
import { createClusterPage } from '../handlers/cluster-page.ts';
import { createJobApi } from '../handlers/job-api.ts';
import { createJobPages } from '../handlers/job-pages.ts';
import { createJobStreams } from '../handlers/job-streams.ts';
import { createLogin } from '../handlers/login.ts';
import { createMetricsRoute } from '../handlers/metrics.ts';
import { createOpenApi } from '../handlers/open-api.ts';
import { createProbes } from '../handlers/probes.ts';
import type { Route } from '../handlers/route.ts';
import { createSampleForm } from '../handlers/sample-form.ts';
import type { SessionCookie } from '../handlers/session-cookie.ts';
import { createStatusReports } from '../handlers/status-report.ts';
import type { JobTokens, RefreshPods } from '../handlers/status-report.ts';
import type { EventFeed } from '../live/event-feed.ts';
import type { JobLog } from '../live/job-log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Served } from '../metrics/request-metrics.ts';
import type { Store } from '../store/store.ts';
import type { Access } from './access.ts';
import { accessLog } from './access-log.ts';
import type { Auth } from './auth-config.ts';
import { floodGuard } from './flood-guard.ts';
import { guard } from './guard.ts';
import { answerErrors, answerUnknownPath, refuseMethod } from './problem-answer.ts';
import { createRate } from './rate.ts';
import { createReportRate } from './report-rate.ts';
import { readBody } from './request-body.ts';
import { createRequestCount } from './request-count.ts';
import { securityHeaders } from './security-headers.ts';
import { createStreamLimit } from './stream-limit.ts';
import type { WebLimits } from './web-config.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const require = createRequire(import.meta.url);
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

export type ExpressDeps = {
  store: Pick<
    Store,
    | 'findJob'
    | 'listJobs'
    | 'listEvents'
    | 'listNewestEvents'
    | 'countStates'
    | 'lastSeq'
    | 'addReport'
    | 'countTasks'
    | 'groupCommit'
    | 'queueStatus'
    | 'findToken'
    | 'startSession'
    | 'endSession'
    | 'noteAction'
    | 'listAudit'
  >;
  intake: Intake;
  feed: EventFeed;
  jobLog: JobLog;
  tokens: JobTokens;
  access: Access;
  sessionCookie: SessionCookie;
  readiness: () => ControlHealth;
  metrics: Metrics;
  refreshPods: RefreshPods;
  checkCluster: () => Promise<ClusterReport>;
  /** Where workers report, known once we listen. */
  callbackUrl: () => string;
  config: {
    /** Where we listen, as it stands in a URL. */
    ownHost: string;
    allowedHosts: readonly string[];
    trustedProxies: readonly string[];
    limits: WebLimits;
    workerImage: string;
    maxActive: number;
    maxQueued: number;
    specPolicy: SpecPolicy;
    auth: Auth;
  };
  /** Aborted when the service stops: ends every stream, which else would hold the server open. */
  closing: AbortSignal;
  log: Logger;
};

/**
 * What a listener serves: everything; or, where workers have a listener of their own, what they call (`workers`) and all the rest
 * (`people`).
 */
export type Side = 'all' | 'people' | 'workers';

/** The HTTP side as a request listener. */
export function createExpress(deps: ExpressDeps, side: Side = 'all'): Express {
  const routes = createRoutes(deps, side);
  const { follow, mark } = createRequestCount(deps.metrics.requests);
  const app = express();
  app.disable('x-powered-by');
  // ETags are for files: the answers below are `no-store`.
  app.set('etag', false);
  app.set('query parser', 'simple');
  // Workers come without one: their pods may lie in the range of the proxies, and would be believed.
  app.set('trust proxy', side === 'workers' ? [] : [...deps.config.trustedProxies]);
  app.set('case sensitive routing', true);
  app.engine('ejs', (path, locals, done) => {
    ejs.renderFile(path, locals, done);
  });
  app.set('view engine', 'ejs');
  app.set('views', join(root, 'views'));
  app.set('view cache', true);
  const { auth } = deps.config;
  app.locals['isOpenToAll'] = auth.kind === 'none' && auth.exposure !== undefined;

  app.use(accessLog(deps.log), follow, securityHeaders);
  const { ownHost, allowedHosts, limits } = deps.config;
  const isProbe = pathsOf(routes, (route) => route.isProbe);
  app.use(floodGuard({ ...limits, exempt: isProbe, cookie: deps.sessionCookie }));
  app.use(guard({ ownHost, allowedHosts, exempt: pathsOf(routes, ({ forMachines }) => forMachines) }));
  if (side !== 'workers') {
    app.use('/assets', mark({ route: '/assets', isLasting: false }), staticFiles());
    // What a browser asks for by itself beside an answer that is no page, such as a raw log.
    app.get('/favicon.ico', (_req, res) => res.redirect('/assets/logo.svg'));
  }
  addRoutes(app, routes, { log: deps.log, mark, access: deps.access });
  app.use(answerUnknownPath);
  app.use(answerErrors({ log: deps.log }));
  return app;
}

/** Every route of this side, each with no more than it needs. */
export function createRoutes(deps: ExpressDeps, side: Side): Route[] {
  const { store, intake, feed, jobLog, tokens, readiness, refreshPods, metrics, config, closing } = deps;
  const { access, sessionCookie } = deps;
  const loginRate = createRate({ most: 20, seconds: 300, what: 'wrong tokens from this address' });
  const reportRate = createReportRate(config.limits);
  const takeStream = createStreamLimit(config.limits);
  const workersUrl = () => (side === 'people' ? deps.callbackUrl() : undefined);
  const routes: Route[] = [
    ...createJobPages({ store, intake, workerImage: config.workerImage }),
    ...createClusterPage({ check: deps.checkCluster, readiness, store, limits: config }),
    ...createSampleForm({ intake }),
    ...createJobApi({ store, intake }),
    ...createJobStreams({ store, feed, jobLog, takeStream, closing }),
    ...createStatusReports({ store, tokens, rate: reportRate, refreshPods }),
    ...createProbes({ readiness, store, maxActive: config.maxActive }),
    ...createMetricsRoute(metrics),
    ...createAuditApi({ store }),
    ...(config.auth.kind === 'token'
      ? createLogin({ store, cookie: sessionCookie, rate: loginRate, noteRefusal: access.noteRefusal })
      : []),
    ...createOpenApi({ routes: () => routes, version, workersUrl }),
  ];
  return routes.filter((route) => isServed(route, side));
}

function isServed({ forWorkers }: Route, side: Side): boolean {
  if (side === 'all') return true;
  return side === 'workers' ? forWorkers !== undefined : forWorkers !== 'alone';
}

function pathsOf(routes: readonly Route[], has: (route: Route) => boolean | undefined): Set<string> {
  return new Set(routes.filter((route) => has(route)).map(({ path }) => path));
}

function addRoutes(
  app: Express,
  routes: readonly Route[],
  {
    log,
    mark,
    access,
  }: {
    log: Logger;
    mark: (by: Served) => RequestHandler;
    access: Access;
  },
): void {
  for (const [path, those] of Map.groupBy(routes, (route) => route.path)) {
    const onPath = app.route(path);
    onPath.all(mark({ route: path, isLasting: those.some(({ isLasting }) => isLasting) }));
    for (const route of those) {
      const readers = route.body === undefined ? [] : readBody(route.body);
      const handle: RequestHandler = (req, res) =>
        route.handle(req, res, () => access.admit(req, res, route));
      onPath[route.method](
        access.identify(route),
        ...readers,
        handle,
        answerErrors({ log, route, isAdmissible: (req) => access.isAdmissible(req, route) }),
      );
    }
    onPath.all(refuseMethod(those));
  }
}

/** Our own files, and those of the two packages that pages use, straight from where npm put them. */
function staticFiles(): RequestHandler {
  const options = { fallthrough: true, index: false, redirect: false, cacheControl: false } as const;
  const pico = dirname(require.resolve('@picocss/pico/css/pico.indigo.min.css'));
  const swagger = dirname(require.resolve('swagger-ui-dist/package.json'));
  const serve = express.Router();
  // Asked again each time, answered with 304 while the file is the same: an upgrade shows at once.
  serve.use((_req, res, next) => {
    res.set('Cache-Control', 'no-cache');
    next();
  });
  serve.use('/pico', express.static(pico, options));
  serve.use('/swagger-ui', express.static(swagger, options));
  serve.use(express.static(join(root, 'public'), options));
  return serve;
}
