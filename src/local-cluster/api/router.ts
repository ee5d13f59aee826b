import { answerAccessReview } from './access-reviews.ts';
import type { Answer, Call, Stream } from './call.ts';
import { methodNotAllowed, noSuchResource, pageNotFound } from './call.ts';
import { findDiscovery, servedGroups } from './discovery.ts';
import { findOpenApi } from './openapi.ts';
import { parsePath } from './path.ts';
import type { ReadLog } from './pod-log.ts';
import { createPodLogHandler } from './pod-log.ts';
import { createResourceHandler } from './resource-handler.ts';
import type { ApiRegistry } from '../registry-contract.ts';

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2+jobspawn-local',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const health = new Set(['/healthz', '/livez', '/readyz', '/healthz/ping', '/livez/ping', '/readyz/ping']);

const paths = [
  '/api',
  '/api/v1',
  '/apis',
  ...servedGroups.flatMap((group) => [`/apis/${group}`, `/apis/${group}/v1`]),
  '/healthz',
  '/livez',
  '/openapi/v3',
  '/readyz',
  '/version',
];

function healthBody(call: Call): string {
  if (!call.query.has('verbose')) return 'ok';
  const name = call.path.slice(1).split('/')[0] ?? '';
  return `[+]ping ok\n[+]storage ok\n${name} check passed\n`;
}

function answerPlainPath(call: Call): Answer {
  const getOnly = (answer: Answer): Answer => {
    if (call.method !== 'GET') throw methodNotAllowed();
    return answer;
  };
  const path = call.path === '' ? '/' : call.path;
  if (path === '/') return getOnly({ status: 200, body: { paths } });
  if (path === '/version' || path === '/version/') return getOnly({ status: 200, body: version });
  if (health.has(path)) return getOnly({ status: 200, body: healthBody(call), form: 'text' });
  const discovery = findDiscovery(call) ?? findOpenApi(call);
  if (discovery !== undefined) return discovery;
  const group = /^\/apis\/([^/]+)\//.exec(path)?.[1];
  if (group !== undefined && servedGroups.includes(group)) throw noSuchResource();
  if (path.startsWith('/api/')) throw noSuchResource();
  return pageNotFound();
}

/** Sends each call to what answers it. */
export function createRouter(options: {
  registry: ApiRegistry;
  readLog: ReadLog;
}): (call: Call) => Promise<Answer | Stream> {
  const answerResource = createResourceHandler(options.registry);
  const answerLog = createPodLogHandler(options);
  return async (call) => {
    const review = await answerAccessReview(call);
    if (review !== undefined) return review;
    const parsed = parsePath(call.path);
    if (parsed.is === 'unknown-resource') throw noSuchResource();
    if (parsed.is === 'other') return answerPlainPath(call);
    const { at } = parsed;
    if (at.resource === 'pods' && at.subresource === 'log' && at.name !== undefined) {
      return answerLog(call, at.namespace ?? '', at.name);
    }
    return answerResource(call, at);
  };
}
