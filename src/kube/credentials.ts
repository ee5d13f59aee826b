import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { AppError } from '../core/app-error.ts';

/** Where the cluster is: a kubeconfig file (with a context other than its current one), or the pod we run in. */
export type ClusterTarget = { kind: 'kubeconfig'; path: string; context?: string } | { kind: 'in-cluster' };

/** What a request needs: the server's URL without a slash at the end, headers, and the pool of connections. */
export type Credentials = { server: string; headers: Record<string, string>; dispatcher: Dispatcher };

/** client-node re-reads a token file after 60 s; asking it this often adds little to that. */
const freshMs = 30_000;

/**
 * Credentials of client-node's KubeConfig (certificates, token files, exec plugins) over one shared pool. The library
 * itself makes a new agent for each call, which costs a TLS handshake every time and leaks sockets.
 */
export async function openCredentials(
  target: ClusterTarget,
  /** A monotonic clock, in ms. */
  elapsed: () => number = () => performance.now(),
) {
  let { config, namespace } = loadConfig(target);
  let pool: { key: string; dispatcher: Dispatcher } | undefined;
  let current = await read();
  let readAt = elapsed();

  async function read(): Promise<Credentials> {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername, auth } = options;
    const made = config.createDispatcherOptions(config.getCurrentCluster(), {
      ca,
      cert,
      key,
      pfx,
      passphrase,
      rejectUnauthorized,
      servername,
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
    if (typeof auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
    return { server: config.getCurrentCluster()?.server ?? '', headers, dispatcher: poolFor(made) };
  }

  /** A rotated client certificate gets a new pool; what still runs on the old one may end there. */
  function poolFor(options: ReturnType<KubeConfig['createDispatcherOptions']>): Dispatcher {
    const key = JSON.stringify(options);
    if (pool?.key === key) return pool.dispatcher;
    void pool?.dispatcher.close();
    pool = { key, dispatcher: toDispatcher(options) };
    return pool.dispatcher;
  }

  async function refresh(): Promise<void> {
    current = await read();
    readAt = elapsed();
  }

  async function reload(): Promise<void> {
    ({ config, namespace } = loadConfig(target));
    await refresh();
  }

  const refreshOnce = toShared(refresh);

  return {
    async get(): Promise<Credentials> {
      if (elapsed() - readAt > freshMs) await refreshOnce();
      return current;
    },

    /** Reads everything anew, past every cache: for a 401. */
    renew: toShared(reload),

    /** The context's own. */
    namespace: () => namespace,

    close: async (): Promise<void> => {
      await pool?.dispatcher.destroy();
    },
  };
}

/** Calls that come while one is under way share it: an exec plugin is a process, and may ask a person. */
function toShared(run: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  return () => (underWay ??= run().finally(() => (underWay = undefined)));
}

function toDispatcher(options: ReturnType<KubeConfig['createDispatcherOptions']>): Dispatcher {
  // HTTP/1.1 by choice: over one HTTP/2 connection a half-open watch would hold up every other call.
  switch (options.type) {
    case 'none':
      return new Agent({ allowH2: false });
    case 'agent':
      return new Agent({ connect: options.connect, allowH2: false });
    case 'proxy':
      return new ProxyAgent({ uri: options.uri, requestTls: options.requestTls, allowH2: false });
    default:
      throw new AppError('invalid', 'The kubeconfig names a SOCKS proxy, which is not supported.');
  }
}

function loadConfig(target: ClusterTarget): { config: KubeConfig; namespace: string | undefined } {
  const config = new KubeConfig();
  try {
    if (target.kind === 'in-cluster') config.loadFromCluster();
    else config.loadFromFile(target.path);
  } catch (cause) {
    const isRead = typeof cause === 'object' && cause !== null && !('syscall' in cause);
    const fault = isRead ? 'is none' : 'cannot be read';
    throw new AppError('invalid', `${nameOf(target)} ${fault}: ${messageOf(cause)}.`, { cause });
  }
  if (target.kind === 'kubeconfig' && target.context !== undefined) config.setCurrentContext(target.context);
  // Any YAML at all can be loaded.
  if (config.contexts.length === 0) {
    throw new AppError('invalid', `${nameOf(target)} is none: it has no contexts.`);
  }
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) {
    const name: string | undefined = config.getCurrentContext();
    const missing = name === undefined || name === '' ? 'current context' : `context named "${name}"`;
    throw new AppError('invalid', `${nameOf(target)} has no ${missing}.`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new AppError('invalid', `${nameOf(target)} has no cluster named "${context.cluster}".`);
  }
  if (target.kind === 'in-cluster' && cluster.server.includes('undefined')) {
    throw new AppError('invalid', 'This process does not run in a pod of a Kubernetes cluster.');
  }
  // Without any user the library would leave out the cluster's CA too.
  config.loadFromClusterAndUser(cluster, config.getCurrentUser() ?? { name: 'nobody' });
  return { config, namespace: context.namespace };
}

function nameOf(target: ClusterTarget): string {
  return target.kind === 'in-cluster' ? "The pod's service account" : `The kubeconfig ${target.path}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}
